"""The chunks of a store on the disk, read by a thread of their own before they are used, a few in memory at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from roadwork.embed.store import ImageStoreOnDisk

_ASIDE = 2  # chunks kept of those that nobody announced

Chunk = Future[NDArray[np.float16]]


class StoreReader:
    """A store and the one thread that reads it."""

    def __init__(self, store: ImageStoreOnDisk, *, ahead_chunks: int) -> None:
        self.store = store
        self.ahead_chunks = ahead_chunks  # in memory at a time, for one order of use
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")

    def read(self, chunk: int) -> Chunk:
        """The rows `[image view dim]` of a chunk, once they are read; StoreError where they can't be."""
        return self._thread.submit(self.store.chunk, chunk)


class ReadAhead:
    """One order of use of a store's chunks.

    A chunk is held until all uses announced of it were made. What wasn't announced is read when it is used.
    """

    def __init__(self, reader: StoreReader) -> None:
        self.reader = reader
        self._coming: Iterator[int] = iter(())  # announced chunks that aren't asked for yet
        self._left: Counter[int] = Counter()  # by chunk, uses announced and not made
        self._held: dict[int, Chunk] = {}
        self._aside: dict[int, Chunk] = {}

    def expect(self, chunks: Sequence[int]) -> None:
        """Begin to read `chunks`, one entry per use; what was announced before is forgotten."""
        self._left = Counter(chunks)
        self._coming = iter(dict.fromkeys(chunks))
        for chunk in self._held.keys() - self._left.keys():
            self._held.pop(chunk).cancel()
        self._ask()

    def use(self, chunk: int, uses: int) -> NDArray[np.float16]:
        """The rows `[image view dim]` of a chunk, `uses` of which are used now."""
        content = self._held.get(chunk) or self._aside.get(chunk)
        if content is None:
            content = self._aside[chunk] = self.reader.read(chunk)
            for oldest in list(self._aside)[:-_ASIDE]:
                del self._aside[oldest]
        self._left[chunk] -= uses
        if self._left[chunk] <= 0:
            self._held.pop(chunk, None)
        self._ask()
        return content.result()

    def _ask(self) -> None:
        while len(self._held) < self.reader.ahead_chunks and (chunk := next(self._coming, None)) is not None:
            if chunk not in self._held and self._left[chunk] > 0:
                self._held[chunk] = self.reader.read(chunk)
