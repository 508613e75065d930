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

    def read(self, image_ids: Sequence[str]) -> NDArray[np.float16]:
        """Rows `[image view dim]` in the order of `image_ids`, each block read and verified once.

        Raises StoreError when a row is missing: look up and append first.
        """
        wanted: dict[str, list[int]] = {}
        for row, image_id in enumerate(image_ids):
            wanted.setdefault(image_id, []).append(row)
        rows: NDArray[np.float16] | None = None
        self.index.refresh()
        for name, ids in self.index.blocks():
            shape = None if rows is None else rows.shape[1:]
            if wanted.keys().isdisjoint(ids) or (embeddings := self.index.read(name, shape=shape)) is None:
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
