"""The embedding cache: rows that were computed once, by fingerprint and image sha256.

    <root>/embeddings/<fingerprint key>/fingerprint.json      for people
    <root>/embeddings/<fingerprint key>/<sha256>.safetensors  finished blocks, append-only
    <root>/embeddings/<fingerprint key>/claims/               who is working on which rows, see `claims`
    <root>/embeddings/<fingerprint key>.lock                  held for the moment of an append, a claim or a clear

The root is a folder, or an object store's URL, where there are no locks (see `local_blocks` and `remote_blocks`). A
block appears with one rename, or as one object, so a killed run leaves whole blocks. Where two processes computed the
same row both blocks stay and either serves. A block whose checksum fails is renamed to `*.damaged` with a note, its
rows count as missing and are computed again; one that can't be read is passed over in the same way and left where it
is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from roadwork.embed.blocks import blocks_in
from roadwork.embed.cache_index import CacheIndex
from roadwork.embed.claims import Claim
from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.local_blocks import unwritable
from roadwork.embed.row_places import LostBlocksError, RowPlaces
from roadwork.errors import StoreError
from roadwork.storage.place import Place

FOLDER = "embeddings"


class EmbeddingCache:
    """Rows `[view dim]` float16 of one fingerprint, under the cache's `root`."""

    def __init__(self, root: Place, fingerprint: Fingerprint) -> None:
        self.fingerprint = fingerprint
        self.root = root
        self.folder: Place = root / FOLDER / fingerprint.key
        self._blocks = blocks_in(self.folder)
        self.index = CacheIndex(self._blocks)
        with self.locked():
            self._blocks.tidy()
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
            rows = None
            while rows is None:
                try:
                    rows = self.row_places(image_ids[start : start + images], shape).read(self._blocks)
                except LostBlocksError as error:
                    self.lose(error)
            yield rows

    def row_places(self, image_ids: Sequence[str], shape: tuple[int, int]) -> RowPlaces:
        """Where the rows of `image_ids`, of view and dim `shape`, can be read; StoreError when one is missing."""
        rows = tuple(self._places(image_ids))
        versions = {name: self.index.version(name) for name, _ in rows}
        return RowPlaces(str(self.folder), shape, rows, versions)

    def lose(self, error: LostBlocksError) -> None:
        """Count on blocks no longer that couldn't be read; another block may hold the same rows."""
        for lost in error.lost:
            self.index.lose(lost)
        self.index.refresh()

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
                name, version = self._blocks.write(image_ids, embeddings)
            except StoreError as error:
                raise unwritable(self.folder, f"the embedding cache can't be written: {error.what}") from error
            self.index.add(name, version, image_ids)

    def claim(self) -> Claim:
        """A claim of this process on rows to compute, nothing held yet."""
        return self._blocks.claim()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Exclude other processes where that can be done, the folder there; StoreError where that can't be written."""
        with self._blocks.locked():
            yield

    def _describe(self) -> None:
        """Write down the fingerprint's facts where they don't stand yet, or no longer."""
        if self._blocks.facts() is None:
            self._blocks.describe(self.fingerprint.key, self.fingerprint.fields)
