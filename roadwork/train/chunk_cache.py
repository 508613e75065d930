"""Copies of remote feature chunks on a disk of this machine, so that only a first epoch asks the object store.

    <local cache>/chunks/<seal of the store>/<number of the chunk>

A copy is the chunk's rows as they are used, and 32 bytes of SHA-256 over the seal, the number and the rows: whatever
bit of it changes, or if it lies where another belongs, it is fetched anew. It appears whole or not at all. The folder
is bounded, over all stores together; the copies that were used longest ago go first. Several processes may share it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roadwork.cache_root import local_root
from roadwork.draft import SUFFIX, remove_dead_drafts
from roadwork.errors import StoreError
from roadwork.progress import note
from roadwork.publish import published_file

FOLDER = "chunks"
_DIGEST_BYTES = 32
_GIGABYTE = 10**9
_SLACK = 1 / 16
"""Share of the bound that is made free once copies have to go, and that a process adds before it looks again at what
there is: else every new copy would mean looking at all of them."""


class Held(NamedTuple):
    """What lies in the folder."""

    copies: int
    size_bytes: int


class ChunkCache:
    """Copies of the chunks of one store. Threads may share it."""

    def __init__(self, seal: str, *, gigabytes: float, root: Path | None = None) -> None:
        self._root = (local_root() if root is None else root) / FOLDER
        self._seal, self._most_bytes = seal, int(gigabytes * _GIGABYTE)
        self._lock = threading.Lock()
        self._size_bytes: int | None = None  # of all copies, when this process last looked
        self._added_bytes = 0  # by this process since
        self._writing_bytes = 0  # by its threads now
        self._full = False  # the disk took no more

    def get(self, number: int, shape: tuple[int, ...]) -> NDArray[np.float16] | None:
        """The copy of a chunk, whose rows are `[image view dim]` of `shape`; None where there is none that is whole."""
        file = self._file(number)
        try:
            content = file.read_bytes()
        except OSError:
            return None
        rows = memoryview(content)[:-_DIGEST_BYTES]
        if len(rows) != 2 * int(np.prod(shape)) or content[-_DIGEST_BYTES:] != self._digest(number, rows):
            note(f"the copy {file} of a feature chunk is damaged: it is fetched anew")
            with suppress(OSError):
                file.unlink()
            return None
        with suppress(OSError):  # another process has removed it
            os.utime(file)
        return np.frombuffer(rows, "<f2").reshape(shape)

    def put(self, number: int, rows: NDArray[np.float16]) -> None:
        """Keep a copy of a chunk, `[image view dim]`; where the disk refuses, say so once and keep none any more."""
        content = np.asarray(rows, "<f2").tobytes()
        size_bytes = len(content) + _DIGEST_BYTES
        if self._full or size_bytes > self._most_bytes:
            return
        try:
            with self._room(size_bytes), published_file(self._file(number)) as aside, aside.open("wb") as file:
                file.write(content)
                file.write(self._digest(number, content))
        except (StoreError, OSError) as error:
            self._full = True
            note(f"no further copies of feature chunks are kept, the object store is asked each time: {error}")

    def _file(self, number: int) -> Path:
        return self._root / self._seal / str(number)

    def _digest(self, number: int, rows: bytes | memoryview) -> bytes:
        total = hashlib.sha256(f"{self._seal} {number}\n".encode())
        total.update(rows)
        return total.digest()

    @contextmanager
    def _room(self, size_bytes: int) -> Iterator[None]:
        """Have room for a copy while it is being written, and know of it afterwards."""
        with self._lock:
            if self._size_bytes is None:
                remove_drafts(self._root)
            if self._size_bytes is None or self._added_bytes > _SLACK * self._most_bytes:
                self._size_bytes, self._added_bytes = sum(size for _, size, _ in _copies(self._root)), 0
            room = self._most_bytes - self._writing_bytes - size_bytes
            if self._size_bytes + self._added_bytes > room:
                self._size_bytes = _shrunk(self._root, room - int(_SLACK * self._most_bytes))
                self._added_bytes = 0
            self._writing_bytes += size_bytes
        try:
            yield
            with self._lock:
                self._added_bytes += size_bytes
        finally:
            with self._lock:
                self._writing_bytes -= size_bytes


def held(root: Path | None = None) -> Held:
    """How many copies there are, of all stores, and their bytes."""
    sizes = [size for _, size, _ in _copies((local_root() if root is None else root) / FOLDER)]
    return Held(len(sizes), sum(sizes))


def clear(root: Path | None = None) -> Held:
    """Remove all copies; what there was. A training that uses them fetches its chunks anew."""
    root = local_root() if root is None else root
    found = held(root)
    if (root / FOLDER).exists():
        shutil.rmtree(root / FOLDER, ignore_errors=True)
    return found


def remove_drafts(folder: Path) -> None:
    """Remove what killed processes left half written in the folders of `folder`."""
    for store in folder.glob("*/"):
        remove_dead_drafts("*", store)


def _copies(folder: Path) -> list[tuple[float, int, Path]]:
    """When each copy was last used, its bytes and its path."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.endswith(SUFFIX)]
        for name in names:
            with suppress(FileNotFoundError):  # another process has just removed it
                told = os.stat(os.path.join(parent, name))
                found.append((told.st_mtime, told.st_size, Path(parent, name)))
    return found


def _shrunk(folder: Path, most_bytes: int) -> int:
    """Remove copies, those first that were used longest ago, until `most_bytes` are left; the bytes that are left."""
    copies = sorted(_copies(folder))
    left = sum(size for _, size, _ in copies)
    for _, size, file in copies:
        if left <= most_bytes:
            break
        file.unlink(missing_ok=True)
        left -= size
    return left
