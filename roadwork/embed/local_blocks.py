"""Blocks in a folder of this machine, or of a disk that several machines share."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from roadwork.draft import remove_dead_drafts
from roadwork.embed.blocks import Blocks, Fault, Version
from roadwork.embed.cache_block import (
    SUFFIX,
    DamagedBlockError,
    read_block,
    read_block_ids,
    read_rows,
    row_shape,
    write_block,
)
from roadwork.embed.claims import LocalClaim
from roadwork.embed.fingerprint import Fingerprint
from roadwork.errors import StoreError
from roadwork.locks import exclusive
from roadwork.publish import write_json

_FACTS = "fingerprint.json"


class LocalBlocks(Blocks):
    """Files. Processes exclude each other by a lock beside the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self._folder

    def versions(self) -> dict[str, Version]:
        """Size, time and inode of every block."""
        return dict(_versions(self._folder))

    def ids(self, names: Sequence[str]) -> Iterator[tuple[str, list[str] | Fault]]:
        """Read from the blocks one after the other."""
        for name in names:
            try:
                yield name, read_block_ids(self._folder / name)
            except (DamagedBlockError, OSError) as fault:
                yield name, fault

    def verify(self, name: str) -> None:
        """Compare the block's sha256 with its name."""
        self.read(name)

    def read(self, name: str) -> tuple[list[str], NDArray[np.float16]]:
        """Read the file."""
        return read_block(self._folder / name)

    def shape(self, name: str) -> tuple[int, int]:
        """View and dim of the block's rows."""
        return row_shape(self._folder / name)

    def copy(self, name: str, places: Mapping[int, int], into: NDArray[np.float16]) -> Version:
        """Read the rows alone: the block was verified before."""
        return _version(read_rows(self._folder / name, places, into))

    def write(self, image_ids: Sequence[str], embeddings: NDArray[np.float16]) -> tuple[str, Version]:
        """Publish a block, on the disk when this returns."""
        path = write_block(self._folder, image_ids, embeddings)
        return path.name, _version(path.stat())

    def set_aside(self, name: str) -> str | None:
        """Rename the block to `*.damaged`."""
        path = self._folder / name
        aside = path.with_name(f"{path.name}.damaged")
        if aside.exists():
            aside = path.with_name(f"{path.name}.{uuid4().hex[:8]}.damaged")
        try:
            os.replace(path, aside)
        except FileNotFoundError:
            return None
        return aside.name

    def facts(self) -> Mapping[str, Any] | None:
        """From `fingerprint.json`."""
        try:
            return own_facts((self._folder / _FACTS).read_bytes(), self._folder.name)
        except OSError:
            return None

    def describe(self, key: str, fields: Mapping[str, Any]) -> None:
        """Publish `fingerprint.json`."""
        write_json(self._folder / _FACTS, {"key": key, "fields": dict(fields)})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the fingerprint's lock; StoreError where the folder can't be written."""
        with folder_lock(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            yield

    def tidy(self) -> None:
        """Remove the drafts of dead writers."""
        remove_dead_drafts("*", self._folder)

    def claim(self) -> LocalClaim:
        """A file that the kernel locks."""
        return LocalClaim(self._folder)

    def files(self) -> dict[str, int]:
        """What is in the folder, what isn't a file without a size; StoreError where it can't be read."""
        return {path.name: _size(path) for path in listed(self._folder)}

    def clear(self) -> None:
        """Remove the folder. Under its lock."""
        shutil.rmtree(self._folder)


def own_facts(content: bytes, key: str) -> Mapping[str, Any] | None:
    """The facts that a `fingerprint.json` records, where they are those of the fingerprint `key`."""
    try:
        facts = json.loads(content)["fields"]
        return facts if Fingerprint(facts).key == key else None
    except (ValueError, KeyError, TypeError):
        return None


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder of the cache, which need not exist.

    An OSError within becomes the StoreError of a cache that can't be written.
    """
    try:
        with exclusive(folder.with_name(f"{folder.name}.lock")):
            yield
    except OSError as error:
        raise unwritable(folder, f"the embedding cache can't be written: {error.strerror or error}") from error


def unwritable(folder: object, what: str) -> StoreError:
    """The error of a cache that takes no block."""
    return StoreError(
        what,
        where=str(folder),
        rule="finished rows need a writable folder with free space",
        fix="free space, mend the permissions, or set ROADWORK_CACHE to another folder",
    )


def listed(folder: Path) -> list[Path]:
    """What is in `folder`, by name; nothing where it doesn't exist, StoreError where it can't be read."""
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(f"the cache can't be read: {error.strerror or error}", where=str(folder)) from error


def _size(path: Path) -> int:
    with suppress(OSError):  # gone since the listing
        return path.stat().st_size if path.is_file() else 0
    return 0


def _versions(folder: Path) -> Iterator[tuple[str, Version]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX) and not entry.name.startswith("."):
                    try:
                        yield entry.name, _version(entry.stat(follow_symlinks=False))
                    except FileNotFoundError:
                        continue
    except FileNotFoundError:  # the folder was deleted: it holds nothing
        return


def _version(state: os.stat_result) -> Version:
    return state.st_size, state.st_mtime_ns, state.st_ino
