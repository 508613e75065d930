"""Embed the images of a manifest: look up, compute what is missing, assemble the store, publish it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadwork.cache_root import local_root
from roadwork.data.embed_rejects import write_embed_rejects
from roadwork.embed.assembly import assemble
from roadwork.embed.cache import FOLDER, EmbeddingCache
from roadwork.embed.engine import Engine
from roadwork.embed.failed import failed_photographs
from roadwork.embed.local_blocks import folder_lock
from roadwork.embed.photograph import Photograph
from roadwork.embed.worklist import Worklist
from roadwork.errors import DataError, StoreError
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
    engine: Engine,
    timeout_s: float,
    store: Path,
    attributes: Mapping[str, Any],
    rejects: Path,
) -> EmbedReport:
    """Publish the features of `photographs`, in their order, as the Zarr store `store`; returns what was done.

    Only photographs that the cache lacks are decoded and embedded, each once, also where several processes share the
    cache: each leaves to the others what they are at, and waits for them as long as they finish something within twice
    `timeout_s`. A photograph that can't be embedded does not stop the others, and gets a row in the table
    `rejects`, which isn't there where none failed. An interrupt, a kill or a fault of another kind ends the run at once
    and loses at most the unfinished rows: the next run goes on from there.

    Raises DataError without photographs, and when their disk doesn't answer; PhotographError that names those that
    can't be embedded, once all others are in the cache; StoreError and BackboneError for features that are no numbers,
    that float16 can't hold or that say nothing; StoreError for a cache that can't be written or that is being deleted;
    CapabilityError where the GPU's memory doesn't suffice. Nothing is published then: an earlier store stays.
    """
    if not photographs:
        raise DataError("there are no photographs to embed", fix="check `ingest.source`, run `roadwork ingest`")
    start = time.monotonic()
    ids = [photo.image_id for photo in photographs]
    piece = len(photographs) if engine.piece is None else engine.piece
    with (
        terminate_as_interrupt(),
        Worklist(photographs, cache, piece=piece, patience_s=_PATIENCE * timeout_s) as work,
    ):
        seconds, shape = 0.0, None
        while shape is None:
            seconds += _compute(work, engine)
            write_embed_rejects(work.failures, rejects)
            if work.failures:
                finished = len(work.photographs) - len(work.failures)
                raise failed_photographs(work.failures.values(), finished=finished, rejects=rejects)
            shape = _published(ids, cache, work, engine, store, attributes)
    computed = len(work.computed)
    return EmbedReport(
        rows=len(ids),
        reused=len(ids) - computed,
        computed=computed,
        damaged_blocks=cache.damaged_blocks,
        views=shape[0],
        dim=shape[1],
        fingerprint=cache.fingerprint.key,
        engine=engine.name,
        seconds=round(time.monotonic() - start, 3),
        images_per_second=round(computed / seconds, 3) if computed else None,
    )


def _compute(work: Worklist, engine: Engine) -> float:
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
            engine.compute(work)
            left = work.wait()
    return time.monotonic() - began


def _published(
    ids: Sequence[str],
    cache: EmbeddingCache,
    work: Worklist,
    engine: Engine,
    store: Path,
    attributes: Mapping[str, Any],
) -> tuple[int, int] | None:
    """Publish the store from the rows of `ids`; views and dim of its rows.

    None, and nothing is published, where some have got lost that this process hasn't computed a second time yet.
    """
    try:
        with folder_lock(local_root() / FOLDER / f"publish-{_digest(store)}"):
            return assemble(ids, cache, engine, store, attributes)
    except StoreError:
        lost = work.photographs.keys() - cache.lookup(ids)
        if not lost or work.lost_before(lost):
            raise
        note(f"{len(lost)} rows have vanished from the cache: they are computed again")
        return None


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
