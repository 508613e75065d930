"""Embed the images of a manifest: look up, compute what is missing, assemble the store, publish it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from roadwork.embed.cache import EmbeddingCache, cache_lock
from roadwork.embed.config import EmbedConfig
from roadwork.embed.decode_workers import worker_count
from roadwork.embed.failed import failed_photographs
from roadwork.embed.store import CHUNK_IMAGES, write_image_store
from roadwork.embed.stream import Cut, Embed, Photograph, Rows, copy_size, embed_stream
from roadwork.embed.worklist import Worklist
from roadwork.errors import CapabilityError, DataError, StoreError
from roadwork.progress import note, progress
from roadwork.stopping import terminate_as_interrupt

_PATIENCE = 2
"""Another process that finishes nothing for this many times `embed.timeout_s` is no longer waited for."""


@dataclass(frozen=True)
class EmbedReport:
    """What one run of the stage did; `rows = reused + computed`."""

    rows: int  # of the store
    reused: int  # rows that cost no forward pass: from the cache, or the same photograph twice
    computed: int  # photographs that went through the backbone
    damaged_blocks: int  # cache blocks that were set aside
    views: int
    dim: int
    fingerprint: str
    engine: str  # where it ran
    seconds: float
    images_per_second: float | None  # of the computed ones, waiting for other processes included; null where none was


def embed_images(
    photographs: Sequence[Photograph],
    *,
    cache: EmbeddingCache,
    cut: Cut,
    embed: Embed,
    device: torch.device,
    config: EmbedConfig,
    store: Path,
    attributes: Mapping[str, Any],
) -> EmbedReport:
    """Publish the features of `photographs`, in their order, as the Zarr store `store`; returns what was done.

    Only photographs that the cache lacks are decoded and embedded, each once, also where several processes share the
    cache: each leaves to the others what they are at. A photograph that can't be embedded does not stop the others. An
    interrupt, a kill or a fault of another kind ends the run at once and loses at most the unfinished rows: the next
    run goes on from there.

    Raises DataError without photographs, and when their disk doesn't answer; PhotographError that names those that
    can't be embedded, once all others are in the cache; StoreError and BackboneError for features that are no numbers,
    that float16 can't hold or that say nothing; StoreError for a cache that can't be written or that is being deleted;
    CapabilityError where the GPU's memory doesn't suffice. Nothing is published then: an earlier store stays.
    """
    if not photographs:
        raise DataError("there are no photographs to embed", fix="check `ingest.source`, run `roadwork ingest`")
    start = time.monotonic()
    ids = [photo.image_id for photo in photographs]
    patience_s = _PATIENCE * config.timeout_s
    with (
        terminate_as_interrupt(),
        Worklist(photographs, cache, piece=config.block_images, patience_s=patience_s) as work,
    ):

        def rows() -> Generator[Rows, None, None]:
            return embed_stream(
                work,
                cut=cut,
                embed=embed,
                failed=work.fail,
                device=device,
                workers=worker_count(config.decode_workers),
                batch_images=copy_size(config.batch_images, device),
                timeout_s=config.timeout_s,
            )

        seconds, shape = 0.0, None
        while shape is None:
            seconds += _compute(work, rows, cache, config.block_images)
            if work.failures:
                raise failed_photographs(work.failures.values(), finished=len(work.photographs) - len(work.failures))
            shape = _assemble(ids, cache, work, store, attributes)
    computed = len(work.computed)
    return EmbedReport(
        rows=len(ids),
        reused=len(ids) - computed,
        computed=computed,
        damaged_blocks=cache.damaged_blocks,
        views=shape[0],
        dim=shape[1],
        fingerprint=cache.fingerprint.key,
        engine=config.engine,
        seconds=round(time.monotonic() - start, 3),
        images_per_second=round(computed / seconds, 3) if computed else None,
    )


def _compute(
    work: Worklist, rows: Callable[[], Generator[Rows, None, None]], cache: EmbeddingCache, block_images: int
) -> float:
    """Bring every row of `work` into the cache, or leave it among the failures; the seconds it took."""
    missing, total = work.look_up(), len(work.photographs)
    note(f"{total - missing - len(work.failures)} of {total} images are in the cache, {missing} are to embed")
    if not missing:
        return 0.0
    began = time.monotonic()
    with progress("embedding", missing) as advance:
        work.count_with(advance)
        left = True
        while left:
            try:
                with closing(rows()) as pieces:
                    _keep(pieces, work, cache, block_images)
            except torch.OutOfMemoryError as error:
                raise CapabilityError(
                    f"the GPU's memory doesn't suffice: {str(error).splitlines()[0]}",
                    where="params.yaml: embed.batch_images, embed.device",
                    rule="model and views must fit in what other processes leave",
                    fix="wait for the others, or lower embed.batch_images, or choose another embed.device; finished "
                    "rows are kept",
                ) from error
            left = work.wait()
    return time.monotonic() - began


def _assemble(
    ids: Sequence[str], cache: EmbeddingCache, work: Worklist, store: Path, attributes: Mapping[str, Any]
) -> tuple[int, int] | None:
    """Publish the store from the rows of `ids`, a chunk in memory at a time; views and dim of its rows.

    None, and nothing is published, where some have got lost that this process hasn't computed a second time yet.
    """
    try:
        with cache_lock(cache.folder.with_name(f"publish-{_digest(store)}")):
            views, dim = cache.row_shape(ids)
            pieces = cache.pieces(ids, images=CHUNK_IMAGES)
            write_image_store(store, ids, pieces, view_count=views, dim=dim, attributes=attributes)
            return views, dim
    except StoreError:
        lost = work.photographs.keys() - cache.lookup(ids)
        if not lost or work.lost_before(lost):
            raise
        note(f"{len(lost)} rows have vanished from the cache: they are computed again")
        return None


def _keep(rows: Iterable[Rows], work: Worklist, cache: EmbeddingCache, block_images: int) -> None:
    """Append `rows` to the cache in blocks of `block_images`; whatever ends the stream, finished rows are kept."""
    held: list[Rows] = []
    try:
        for piece in rows:
            held.append(piece)
            work.beat()
            if sum(len(each.image_ids) for each in held) >= block_images:
                _append(held, work, cache)
                held = []
    finally:
        if held:  # after an interrupt within an append this is the same block once more, under the same name
            _append(held, work, cache)


def _append(held: Sequence[Rows], work: Worklist, cache: EmbeddingCache) -> None:
    ids = [image_id for piece in held for image_id in piece.image_ids]
    cache.append(ids, np.concatenate([piece.embeddings for piece in held]))
    work.add(ids)


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
