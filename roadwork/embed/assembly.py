"""From the rows of the cache to the image store, piece by piece: each piece has one writer, who may be anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.row_places import Lost, LostBlocksError, RowPlaces
from roadwork.embed.store import create_image_store, write_piece
from roadwork.progress import progress

if TYPE_CHECKING:
    from roadwork.embed.engine import Engine


@dataclass(frozen=True)
class WriteJob:
    """Rows of the cache that become one piece of a store in the making. It travels to other processes."""

    store: str  # `place` of the store in the making
    start: int  # row of the store that the piece begins with
    rows: RowPlaces


@dataclass(frozen=True)
class Written:
    """What became of the job that begins at row `start`: its piece is written, unless blocks were lost."""

    start: int
    lost: tuple[Lost, ...] = ()


def run_job(job: WriteJob) -> Written:
    """Read the rows, write the piece. Equal jobs write equal bytes: one that was begun twice does no harm."""
    try:
        rows = job.rows.read()
    except LostBlocksError as error:
        return Written(job.start, error.lost)
    write_piece(job.store, job.start, rows)
    return Written(job.start)


def assemble(
    image_ids: Sequence[str], cache: EmbeddingCache, engine: Engine, store: Path, attributes: Mapping[str, Any]
) -> tuple[int, int]:
    """Publish the store `store` from the cache's rows of `image_ids`; views and dim of its rows.

    Raises StoreError, and publishes nothing, where a row has got lost.
    """
    views, dim = cache.row_shape(image_ids)
    with create_image_store(store, image_ids, view_count=views, dim=dim, attributes=attributes) as draft:
        pieces = dict(draft.pieces)  # by first row, the end
        with progress("writing the store", len(pieces)) as advance:
            while pieces:
                for written in engine.write(_jobs(pieces, image_ids, cache, (views, dim), draft.place)):
                    if written.lost:  # written in the next round, from another block that holds the same rows
                        cache.lose(LostBlocksError(written.lost))
                    else:
                        del pieces[written.start]
                        advance()
    return views, dim


def _jobs(
    pieces: Mapping[int, int], image_ids: Sequence[str], cache: EmbeddingCache, shape: tuple[int, int], store: str
) -> Iterator[WriteJob]:
    """One by one, as they are taken: the rows' places of a large store take more memory than a piece."""
    for start, end in sorted(pieces.items()):
        yield WriteJob(store, start, cache.row_places(image_ids[start:end], shape))
