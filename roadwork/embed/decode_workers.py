"""Overlapped work on photographs: threads ahead of whoever takes the results, in order, with bounded memory.

Threads are enough: decoding, resampling and the model let go of Python's lock (two threads took half the time of one
on two cores), and threads die with the process, however it is killed. They are daemons of our own making, since
the interpreter waits at its end for those of `concurrent.futures`, and one that stands still in a read from a dead
network disk would never let it leave. What else is under way when a run ends is interrupted: a thread that is still
within PyTorch when the interpreter goes would abort the whole process.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Generic, Literal, TypeVar

from roadwork.errors import DataError

T = TypeVar("T")
R = TypeVar("R")

_MOST_AUTO = 32  # each worker holds one decoded photograph, about 40 MB at 4032×3024
_MOST_STALLED = 16  # workers that were given up and still stand where they did, each with its photograph
_TICK_S = 0.5  # how often a waiting run looks at how long it has waited
_FAREWELL_S = 2.0  # how long a run that ends waits for its workers to be interrupted, unless its caller says


def worker_count(asked: int | Literal["auto"]) -> int:
    """`asked`, or for `auto` the CPUs that this process may use, at most 32."""
    if asked != "auto":
        return asked
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, _MOST_AUTO)


def overlapped(
    function: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int,
    ahead: int,
    timeout_s: float | None = None,
    late: Callable[[T], R] | None = None,
    farewell_s: float = _FAREWELL_S,
) -> Generator[R, None, None]:
    """`function(item)` for every item, in order, computed by `workers` threads.

    At most `workers + ahead` results are finished or under way beyond the one that was taken last, whatever the number
    of items. The first exception, of `function` or of `items` itself, is raised in its item's turn, after all earlier
    results; then nothing new is started. When a run ends early, what is under way is interrupted at its next step in
    Python, and waited for up to `farewell_s`.

    With `timeout_s` an item for which this generator has waited longer, from the moment when a worker began with it,
    counts as `late(item)`: whatever its worker still brings is dropped, and another worker takes that one's place. Only
    waiting counts, so neither a busy machine's model nor a suspended process makes an item late. Raises DataError when
    16 given-up workers stand still at the same time.
    """
    if (timeout_s is None) != (late is None):
        raise ValueError("timeout_s and late belong together")
    crew = _Crew(function, workers, timeout_s)
    waiting: deque[_Task[T, R]] = deque()
    fault: Exception | None = None
    source = iter(items)
    try:
        while True:
            try:
                item = next(source)
            except StopIteration:
                break
            except Exception as error:
                fault = error
                break
            waiting.append(crew.give(item))
            if len(waiting) >= workers + ahead:
                yield _result(crew, waiting.popleft(), late)
        while waiting:
            yield _result(crew, waiting.popleft(), late)
        if fault is not None:
            raise fault
    finally:
        crew.dismiss(farewell_s)


class _Task(Generic[T, R]):
    """One item on its way; its fields change under the crew's lock."""

    def __init__(self, item: T) -> None:
        self.item = item
        self.worker: threading.Thread | None = None
        self.waited_s = 0.0  # since a worker began
        self.outcome: tuple[R] | BaseException | None = None
        self.given_up = False

    @property
    def over(self) -> bool:
        return self.given_up or self.outcome is not None


class _Crew(Generic[T, R]):
    """`workers` threads that take the items in the order given."""

    def __init__(self, function: Callable[[T], R], workers: int, timeout_s: float | None) -> None:
        self._function, self._timeout_s = function, timeout_s
        self._changed = threading.Condition()
        self._queue: deque[_Task[T, R]] = deque()
        self._under_way: set[_Task[T, R]] = set()
        self._stalled = 0
        self._dismissed = False
        self._threads: set[threading.Thread] = set()  # without those that were given up
        for _ in range(workers):
            self._hire()

    def give(self, item: T) -> _Task[T, R]:
        task: _Task[T, R] = _Task(item)
        with self._changed:
            self._queue.append(task)
            self._changed.notify_all()
        return task

    def wait_for(self, task: _Task[T, R]) -> None:
        """Until `task` is over, counting the waiting against all that is under way."""
        tick_s = None if self._timeout_s is None else min(_TICK_S, self._timeout_s / 4)
        with self._changed:
            while not task.over:
                before = time.monotonic()
                self._changed.wait(tick_s)
                if tick_s is not None:  # a process that was suspended has not waited for long
                    self._count(min(time.monotonic() - before, 2 * tick_s))

    def dismiss(self, farewell_s: float) -> None:
        """Start nothing new, interrupt what is under way, wait up to `farewell_s` for all but those given up."""
        with self._changed:
            self._dismissed = True
            self._queue.clear()
            self._changed.notify_all()
            for task in self._under_way:
                _interrupt(task.worker)
        end = time.monotonic() + farewell_s
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _hire(self) -> None:
        thread = threading.Thread(target=self._work, name="decode", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _count(self, waited_s: float) -> None:
        for task in list(self._under_way):
            task.waited_s += waited_s
            if self._timeout_s is not None and task.waited_s > self._timeout_s:
                self._give_up(task)

    def _give_up(self, task: _Task[T, R]) -> None:
        self._under_way.discard(task)
        self._threads.discard(task.worker)  # pyright: ignore[reportArgumentType]  one has begun with it
        task.given_up = True
        self._stalled += 1
        if self._stalled >= _MOST_STALLED:
            raise DataError(
                f"{self._stalled} photographs at the same time take longer than {self._timeout_s:g} s, each",
                rule="at most so many workers may stand still, since each holds its photograph in memory",
                fix="look whether the disk that the photographs lie on answers, then run the same command again",
            )
        self._hire()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._dismissed:
                    self._changed.wait()
                if self._dismissed:
                    return
                task = self._queue.popleft()
                task.worker = threading.current_thread()
                self._under_way.add(task)
            try:
                outcome: tuple[R] | BaseException = (self._function(task.item),)
            except BaseException as error:
                outcome = error
            with self._changed:
                if task.given_up:
                    self._stalled -= 1
                    return
                self._under_way.discard(task)
                task.outcome = outcome
                self._changed.notify_all()
            del task, outcome  # else an idle worker would keep the views of its last photograph


def _interrupt(worker: threading.Thread | None) -> None:
    """Raise SystemExit in `worker`, which ends a thread without a word, as soon as it runs Python again."""
    if worker is not None and worker.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(SystemExit))


def _result(crew: _Crew[T, R], task: _Task[T, R], late: Callable[[T], R] | None) -> R:
    crew.wait_for(task)
    if task.given_up and late is not None:
        return late(task.item)
    if isinstance(task.outcome, BaseException):
        raise task.outcome
    return task.outcome[0]  # pyright: ignore[reportOptionalSubscript]  it is over
