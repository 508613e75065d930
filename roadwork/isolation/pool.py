"""As many isolated processes as there are threads that need one, each replaced where it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from roadwork.isolation.faults import CrashedError


class Worker(Protocol):
    """What the pool keeps: an IsolatedProcess, or what wraps one."""

    @property
    def alive(self) -> bool:
        """Whether it can be used."""
        ...

    def kill(self) -> None:
        """End it, from any thread."""
        ...

    def close(self) -> None:
        """End it and let go of what it holds."""
        ...


W = TypeVar("W", bound=Worker)
R = TypeVar("R")


class IsolatedPool(Generic[W]):
    """Processes are started by `start` when they are needed, and kept; `most` at a time (None: one per asking thread).

    What a photograph does to its process is its own affair: one that hangs or crashes is replaced, the others go on. A
    crash is believed at the second time only, in another process: the first may have been killed from outside.

    Not `concurrent.futures` or `pebble`, whose pools end when a worker is killed, and whose workers share a pipe and a
    lock that a killed one can take with it.
    """

    def __init__(self, start: Callable[[], W], *, most: int | None = None) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._turn = threading.Semaphore(most) if most is not None else None
        self._idle: list[W] = []
        self._all: set[W] = set()
        self._closed = False

    def __enter__(self) -> Self:
        """Itself; leaving ends every process, also those that threads wait for."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def workers(self) -> set[W]:
        """The processes that there are, idle or busy."""
        with self._lock:
            return set(self._all)

    def close(self) -> None:
        """End every process."""
        with self._lock:
            self._closed = True
            idle, busy = self._idle, self._all.difference(self._idle)
            self._idle, self._all = [], set()
        for worker in busy:
            worker.kill()
        for worker in idle:
            worker.close()

    def run(self, work: Callable[[W], R]) -> R:
        """`work` of a process that nobody else uses meanwhile.

        Raises what `work` raises; CrashedError only after a second process ended in the middle of it.
        """
        if self._turn is None:
            return self._twice(work)
        with self._turn:
            return self._twice(work)

    def _twice(self, work: Callable[[W], R]) -> R:
        try:
            return self._once(work)
        except CrashedError:
            return self._once(work)

    def _once(self, work: Callable[[W], R]) -> R:
        worker = self._taken()
        try:
            return work(worker)
        finally:
            self._give_back(worker)

    def _taken(self) -> W:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                self._all.discard(worker)
                worker.close()
            if self._closed:
                raise CrashedError("the run was stopped")
        worker = self._start()
        with self._lock:
            if not self._closed:
                self._all.add(worker)
                return worker
        worker.close()
        raise CrashedError("the run was stopped")

    def _give_back(self, worker: W) -> None:
        with self._lock:
            if worker.alive and not self._closed:
                self._idle.append(worker)
                return
            self._all.discard(worker)
        worker.close()
