"""Embed the images of a manifest: look up, compute what is missing, assemble the store, publish it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock

from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.config import EmbedConfig
from roadwork.embed.decode_workers import worker_count
from roadwork.embed.stopping import stop_if_orphaned, terminate_as_interrupt
from roadwork.embed.store import write_image_store
from roadwork.embed.stream import Cut, Embed, Photograph, Rows, copy_size, embed_stream
from roadwork.errors import DataError
from roadwork.progress import note, progress


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
    images_per_second: float | None  # of the computed ones; null where none was


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

    Only photographs that the cache lacks are decoded and embedded, each once. An interrupt, a kill or a photograph
    that can't be read loses at most the unfinished ones: the next run goes on from there.

    Raises DataError without photographs, PhotographError for one that can't be read, StoreError for values that
    float16 can't hold and for a cache that can't be written.
    """
    if not photographs:
        raise DataError("there are no photographs to embed", fix="check `ingest.source`, run `roadwork ingest`")
    start = time.monotonic()
    ids = [photo.image_id for photo in photographs]
    distinct = {photo.image_id: photo for photo in photographs}
    found = cache.lookup(ids)
    missing = [photo for photo in distinct.values() if photo.image_id not in found]
    note(f"{len(distinct) - len(missing)} of {len(distinct)} images are in the cache, {len(missing)} are to embed")
    began = time.monotonic()
    if missing:
        rows = embed_stream(
            missing,
            cut=cut,
            embed=embed,
            device=device,
            workers=worker_count(config.decode_workers),
            batch_images=copy_size(config.batch_images, device),
        )
        with terminate_as_interrupt(), closing(rows):
            _keep(rows, cache, len(missing), config.block_images)
    rate = len(missing) / (time.monotonic() - began) if missing else None
    embeddings = cache.read(ids)
    with FileLock(cache.folder.with_name(f"publish-{_digest(store)}.lock")):
        _, views, dim = embeddings.shape
        write_image_store(store, ids, [embeddings], view_count=views, dim=dim, attributes=attributes)
    return EmbedReport(
        rows=len(ids),
        reused=len(ids) - len(missing),
        computed=len(missing),
        damaged_blocks=cache.damaged_blocks,
        views=views,
        dim=dim,
        fingerprint=cache.fingerprint.key,
        engine=config.engine,
        seconds=round(time.monotonic() - start, 3),
        images_per_second=None if rate is None else round(rate, 3),
    )


def _keep(rows: Iterable[Rows], cache: EmbeddingCache, total: int, block_images: int) -> None:
    """Append `rows` to the cache in blocks of `block_images`; whatever ends the stream, finished rows are kept."""
    held: list[Rows] = []
    parent = os.getppid()
    with progress("embedding", total) as advance:
        try:
            for piece in rows:
                held.append(piece)
                advance(len(piece.image_ids))
                if sum(len(each.image_ids) for each in held) >= block_images:
                    _append(held, cache)
                    held = []
                stop_if_orphaned(parent)
        finally:
            if held:  # after an interrupt within an append this is the same block once more, under the same name
                _append(held, cache)


def _append(held: Sequence[Rows], cache: EmbeddingCache) -> None:
    ids = [image_id for piece in held for image_id in piece.image_ids]
    cache.append(ids, np.concatenate([piece.embeddings for piece in held]))


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
