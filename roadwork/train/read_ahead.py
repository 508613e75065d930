"""The chunks of a store, read by threads of their own before they are used, a few in memory at a time."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from roadwork.embed.store import CHUNK_IMAGES, ImageStoreOnDisk
from roadwork.train.chunk_cache import ChunkCache

_ASIDE = 2  # chunks kept of those that nobody announced
_REMOTE_THREADS = 8  # a disk is quickest when one thread reads it; of an object store one request leaves the line idle

Chunk = Future[NDArray[np.float16]]
_Orders = SimpleQueue[tuple[int, Chunk] | None]


class StoreReader:
    """A store and the threads that read it: one for a disk, several for an object store.

    `copies` keeps on the disk what came from an object store. The threads die with the process, whatever they wait for.
    """

    def __init__(self, store: ImageStoreOnDisk, *, ahead_chunks: int, copies: ChunkCache | None = None) -> None:
        self.store = store
        self.ahead_chunks = ahead_chunks  # in memory at a time, for one order of use
        self._orders: _Orders = SimpleQueue()
        threads = _REMOTE_THREADS if store.remote else 1
        fetch = _fetch(store, copies)
        for _ in range(threads):
            threading.Thread(target=_work, args=(self._orders, fetch), name="store", daemon=True).start()
        weakref.finalize(self, _dismiss, self._orders, threads)

    def read(self, chunk: int) -> Chunk:
        """The rows `[image view dim]` of a chunk, once they are read; StoreError where they can't be."""
        content: Chunk = Future()
        self._orders.put((chunk, content))
        return content


def _fetch(store: ImageStoreOnDisk, copies: ChunkCache | None) -> Callable[[int], NDArray[np.float16]]:
    if copies is None:
        return store.chunk
    images, *row = store.shape

    def fetch(chunk: int) -> NDArray[np.float16]:
        rows = copies.get(chunk, (min(CHUNK_IMAGES, images - chunk * CHUNK_IMAGES), *row))
        if rows is not None:
            store.require_same()
            return rows
        rows = store.chunk(chunk)
        copies.put(chunk, rows)
        return rows

    return fetch


def _work(orders: _Orders, fetch: Callable[[int], NDArray[np.float16]]) -> None:
    while (order := orders.get()) is not None:
        chunk, content = order
        if content.set_running_or_notify_cancel():
            try:
                content.set_result(fetch(chunk))
            except BaseException as error:  # raised again where the chunk is used
                content.set_exception(error)
        del order, content  # else an idle thread would keep its last chunk


def _dismiss(orders: _Orders, threads: int) -> None:
    for _ in range(threads):
        orders.put(None)


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
