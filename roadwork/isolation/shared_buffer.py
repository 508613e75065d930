"""Memory that a process shares with one that it starts: arrays pass without a copy through a pipe."""

from __future__ import annotations

import mmap
import os
import tempfile
from multiprocessing import reduction
from typing import Any

import numpy as np
from numpy.typing import NDArray


class SharedBuffer:
    """`size_bytes` of memory without a name, gone with the last process that holds it, however that ends.

    It is pickled only as an argument of a process that is being started. Its pages are taken when they are first
    written, and count as memory, not as space of a `/dev/shm` that a container may have made small.
    """

    def __init__(self, size_bytes: int) -> None:
        handle = os.memfd_create("roadwork") if hasattr(os, "memfd_create") else _nameless_file()
        os.ftruncate(handle, size_bytes)
        self._map(handle, size_bytes)

    @property
    def size_bytes(self) -> int:
        """How much fits."""
        return len(self._memory)

    def array(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The first bytes as an array; it is the memory itself."""
        return np.frombuffer(self._memory, dtype=np.uint8, count=int(np.prod(shape, dtype=np.int64))).reshape(shape)

    def close(self) -> None:
        """Let go of it."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __getstate__(self) -> tuple[Any, int]:
        return reduction.DupFd(self._handle), len(self._memory)

    def __setstate__(self, state: tuple[Any, int]) -> None:
        duplicate, size_bytes = state
        self._map(duplicate.detach(), size_bytes)

    def _map(self, handle: int, size_bytes: int) -> None:
        self._handle = handle
        self._memory = mmap.mmap(handle, size_bytes)


def _nameless_file() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
