"""The embedding cache: rows that were computed once, by fingerprint and image sha256.

    <root>/embeddings/<fingerprint key>/fingerprint.json     for people
    <root>/embeddings/<fingerprint key>/<sha256>.safetensors  finished blocks, append-only
    <root>/embeddings/<fingerprint key>.lock                  held for the moment of an append or a clear

A block appears with one rename, so a killed run leaves whole blocks. Two processes at once may compute the same row
twice; both blocks stay and either serves. A block whose checksum fails is renamed to `*.damaged` with a note, its
rows count as missing and are computed again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from roadwork.embed.cache_block import SUFFIX, DamagedBlockError, read_block, read_block_ids, write_block
from roadwork.embed.fingerprint import Fingerprint
from roadwork.errors import StoreError
from roadwork.progress import note
from roadwork.publish import write_json

FOLDER = "embeddings"


class EmbeddingCache:
    """Rows `[view dim]` float16 of one fingerprint, under the cache folder `root`."""

    def __init__(self, root: Path, fingerprint: Fingerprint) -> None:
        self.fingerprint = fingerprint
        self.folder = root / FOLDER / fingerprint.key
        self.damaged_blocks = 0
        with self._locked():  # no append is under way now, so every partial file is a killed run's
            for leftover in self.folder.glob(".*.partial"):
                leftover.unlink()

    def lookup(self, image_ids: Sequence[str]) -> set[str]:
        """Those of `image_ids` whose rows are there; every block that holds one of them has its checksum verified."""
        return set(self._locate(set(image_ids)))

    def read(self, image_ids: Sequence[str]) -> NDArray[np.float16]:
        """Rows `[image view dim]` in the order of `image_ids`, each block read and verified once.

        Raises StoreError when a row is missing: look up and append first.
        """
        wanted: dict[str, list[int]] = {}
        for row, image_id in enumerate(image_ids):
            wanted.setdefault(image_id, []).append(row)
        rows: NDArray[np.float16] | None = None
        for path, ids in self._index():
            if wanted.keys().isdisjoint(ids) or (embeddings := self._verified(path)) is None:
                continue
            if rows is None:
                rows = np.empty((len(image_ids), *embeddings.shape[1:]), np.float16)
            for source, image_id in enumerate(ids):
                for target in wanted.pop(image_id, ()):
                    rows[target] = embeddings[source]
        if wanted or rows is None:
            raise StoreError(
                f"{len(wanted)} images are missing from the embedding cache, the first is {next(iter(wanted), '')}",
                where=str(self.folder),
                rule="the cache must not be cleared or damaged while it is in use",
                fix="run `roadwork embed_images` again; only the missing rows are computed",
            )
        return rows

    def append(self, image_ids: Sequence[str], embeddings: NDArray[np.float16]) -> None:
        """Add `embeddings [image view dim]` as one finished block, on the disk when this returns.

        Raises StoreError when the cache folder can't be written or the disk is full.
        """
        if embeddings.dtype != np.float16 or len(embeddings) != len(image_ids):
            raise ValueError(f"{len(image_ids)} ids for {embeddings.dtype} {embeddings.shape}")
        with self._locked():
            if not (self.folder / "fingerprint.json").exists():
                facts = dict(self.fingerprint.fields)
                write_json(self.folder / "fingerprint.json", {"key": self.fingerprint.key, "fields": facts})
            write_block(self.folder, image_ids, embeddings)

    def _locate(self, wanted: set[str]) -> set[str]:
        found: set[str] = set()
        for path, ids in self._index():
            new = wanted.intersection(ids) - found
            if new and self._verified(path) is not None:
                found |= new
        return found

    def _index(self) -> Iterator[tuple[Path, list[str]]]:
        """Every block with the image ids in it, in the order of their names; damaged ones are set aside."""
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            try:
                yield path, read_block_ids(path)
            except FileNotFoundError:  # cleared, or set aside by another process, since the listing
                continue
            except DamagedBlockError as damage:
                self._set_aside(path, damage)

    def _verified(self, path: Path) -> NDArray[np.float16] | None:
        try:
            return read_block(path)[1]
        except FileNotFoundError:
            return None
        except DamagedBlockError as damage:
            self._set_aside(path, damage)
            return None

    def _set_aside(self, path: Path, damage: DamagedBlockError) -> None:
        self.damaged_blocks += 1
        aside = path.with_name(f"{path.name}.damaged")
        try:
            os.replace(path, aside)
        except FileNotFoundError:
            return
        note(f"WARNING: cache block {path} is damaged ({damage}).")
        note(f"  It was set aside as {aside.name}; its rows are computed again. Check the disk if this recurs.")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with cache_lock(self.folder):
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                yield
            except OSError as error:
                raise _unwritable(self.folder, error) from error


@contextmanager
def cache_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of one fingerprint's folder: appends, clean-up and clearing exclude each other."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f"{folder.name}.lock"))
        lock.acquire()
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"the embedding cache can't be written: {error.strerror or error}",
        where=str(folder),
        rule="finished rows need a writable folder with free space",
        fix="free space, mend the permissions, or set ROADWORK_CACHE to another folder",
    )
