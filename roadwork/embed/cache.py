"""The embedding cache: rows that were computed once, by fingerprint and image sha256.

    <root>/embeddings/<fingerprint key>/fingerprint.json      for people
    <root>/embeddings/<fingerprint key>/<sha256>.safetensors  finished blocks, append-only
    <root>/embeddings/<fingerprint key>/claims/               who is working on which rows, see `claims`
    <root>/embeddings/<fingerprint key>.lock                  held for the moment of an append, a claim or a clear

A block appears with one rename, so a killed run leaves whole blocks. Where two processes computed the same row both
blocks stay and either serves. A block whose checksum fails is renamed to `*.damaged` with a note, its rows count as
missing and are computed again; one that can't be read is passed over in the same way and left where it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadwork.draft import remove_dead_drafts
from roadwork.embed.cache_block import write_block
from roadwork.embed.cache_index import CacheIndex
from roadwork.embed.fingerprint import Fingerprint
from roadwork.errors import StoreError
from roadwork.locks import exclusive
from roadwork.publish import write_json

FOLDER = "embeddings"
_FACTS = "fingerprint.json"


class EmbeddingCache:
    """Rows `[view dim]` float16 of one fingerprint, under the cache folder `root`."""

    def __init__(self, root: Path, fingerprint: Fingerprint) -> None:
        self.fingerprint = fingerprint
        self.folder = root / FOLDER / fingerprint.key
        self.index = CacheIndex(self.folder)
        with self.locked():
            remove_dead_drafts("*", self.folder)
            self._describe()

    @property
    def damaged_blocks(self) -> int:
        """Blocks that turned out to be damaged or unreadable so far."""
        return self.index.damaged_blocks

    def lookup(self, image_ids: Sequence[str]) -> set[str]:
        """Those of `image_ids` whose rows are there; every block that holds one of them has its checksum verified."""
        self.index.refresh()
        return {image_id for image_id in set(image_ids) if self.index.holds(image_id)}

    def row_shape(self, image_ids: Sequence[str]) -> tuple[int, int]:
        """View and dim of the rows of `image_ids`: those of the first block, by name, that holds one of them.

        Raises StoreError when a row is missing.
        """
        shape = None
        while shape is None:
            self.index.refresh()
            shape = self.index.shape(min(name for name, _ in self._places(image_ids)))
        return shape

    def pieces(self, image_ids: Sequence[str], *, images: int) -> Iterator[NDArray[np.float16]]:
        """Rows `[image view dim]` in the order of `image_ids`, `images` at a time; no more of them are in memory.

        Raises StoreError when a row is missing or not of the shape of the others: look up and append first.
        """
        shape = self.row_shape(image_ids)
        for start in range(0, len(image_ids), images):
            piece = image_ids[start : start + images]
            rows = np.empty((len(piece), *shape), np.float16)
            while not self._copy(piece, rows):
                self.index.refresh()  # another block may hold what has just got lost
            yield rows

    def _copy(self, image_ids: Sequence[str], into: NDArray[np.float16]) -> bool:
        """Copy the rows of `image_ids`, one by one, to `into`; false where a block isn't what it was when verified."""
        by_block: dict[str, dict[int, list[int]]] = {}  # for each row of a block, where it goes
        for target, (name, row) in enumerate(self._places(image_ids)):
            by_block.setdefault(name, {}).setdefault(row, []).append(target)
        for name, targets in by_block.items():
            if not self.index.copy(name, {row: first for row, (first, *_) in targets.items()}, into):
                return False
            for first, *others in targets.values():
                into[others] = into[first]
        return True

    def _places(self, image_ids: Sequence[str]) -> list[tuple[str, int]]:
        """Block and row of each image."""
        places = [self.index.place(image_id) for image_id in image_ids]
        found = [place for place in places if place is not None]
        if len(found) < len(places):
            raise self._missing(image_ids)
        return found

    def _missing(self, image_ids: Sequence[str]) -> StoreError:
        missing = [image_id for image_id in dict.fromkeys(image_ids) if not self.index.holds(image_id)]
        return StoreError(
            f"{len(missing)} images are missing from the embedding cache, the first is {next(iter(missing), '')}",
            where=str(self.folder),
            rule="the cache must not be cleared or damaged while it is in use",
            fix="run `roadwork embed_images` again; only the missing rows are computed",
        )

    def append(self, image_ids: Sequence[str], embeddings: NDArray[np.float16]) -> None:
        """Add `embeddings [image view dim]` as one finished block, on the disk when this returns.

        Raises StoreError when the cache folder can't be written or the disk is full.
        """
        if embeddings.dtype != np.float16 or len(embeddings) != len(image_ids):
            raise ValueError(f"{len(image_ids)} ids for {embeddings.dtype} {embeddings.shape}")
        with self.locked():
            try:
                self._describe()
                path = write_block(self.folder, image_ids, embeddings)
            except StoreError as error:
                raise _unwritable(self.folder, f"the embedding cache can't be written: {error.what}") from error
            self.index.add(path, image_ids)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the fingerprint's lock, its folder there; StoreError where that can't be written."""
        with cache_lock(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            yield

    def _describe(self) -> None:
        """Write down the fingerprint's facts where they don't stand yet, or no longer."""
        if recorded_facts(self.folder) is None:
            facts = dict(self.fingerprint.fields)
            write_json(self.folder / _FACTS, {"key": self.fingerprint.key, "fields": facts})


def recorded_facts(folder: Path) -> Mapping[str, Any] | None:
    """The facts of the fingerprint whose `folder` this is, as recorded for people; None where they aren't its own."""
    try:
        facts = json.loads((folder / _FACTS).read_bytes())["fields"]
        return facts if Fingerprint(facts).key == folder.name else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def cache_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of one fingerprint's folder: appends, claims, clean-up and clearing exclude each other.

    An OSError within becomes the StoreError of a cache that can't be written.
    """
    try:
        with exclusive(folder.with_name(f"{folder.name}.lock")):
            yield
    except OSError as error:
        raise _unwritable(folder, f"the embedding cache can't be written: {error.strerror or error}") from error


def _unwritable(folder: Path, what: str) -> StoreError:
    return StoreError(
        what,
        where=str(folder),
        rule="finished rows need a writable folder with free space",
        fix="free space, mend the permissions, or set ROADWORK_CACHE to another folder",
    )
