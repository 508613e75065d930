"""What a model is trained on, as one digest that takes milliseconds, however many images there are.

It reads no features: the seal of each store already holds its metadata and the checksum of every chunk together, so
only two seals and the bytes of two tables are left to hash. No torch, so that a stage can ask before it loads anything.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from roadwork.embed.store_place import exists, find_store, missing, seal_of, told_faults
from roadwork.errors import DataError


def data_digest(image_store: Path, text_store: Path, manifest: Path, folds: Path) -> str:
    """SHA-256 (hex) over the seals of both stores and the bytes of the manifest and the folds.

    Another row, order, label, metadata value, division or backbone gives another digest. Whether the stores' files are
    those that were sealed is checked where they are read. Raises StoreError and DataError, naming the stage to run,
    where one of the four is missing or a store has no seal.
    """
    total = hashlib.sha256()
    for store, stage in ((image_store, "embed_images"), (text_store, "embed_text")):
        total.update(_seal(store, stage).encode())
    for table, stage in ((manifest, "ingest"), (folds, "folds")):
        total.update(_content(table, stage))
    return total.hexdigest()


def _seal(store: Path, stage: str) -> str:
    if not exists(store):
        raise missing(store, stage=stage)
    with told_faults(store, stage=stage):
        return seal_of(find_store(store))


def _content(table: Path, stage: str) -> bytes:
    try:
        return hashlib.sha256(table.read_bytes()).digest()
    except OSError as fault:
        raise DataError(
            f"there is no {table.name} that can be read: {fault.strerror}",
            where=str(table),
            fix=f"run `roadwork {stage}` again",
        ) from None
