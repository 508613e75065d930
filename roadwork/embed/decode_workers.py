"""Overlapped preparation of photographs: threads ahead of the model, in order, with bounded memory.

Threads are enough: Pillow lets go of Python's lock while it decodes and resamples (two threads took half the time of
one on two cores), and threads die with the process, however it is killed.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_MOST_AUTO = 32  # each worker holds one decoded photograph, about 40 MB at 4032×3024


def worker_count(asked: int | Literal["auto"]) -> int:
    """`asked`, or for `auto` the CPUs that this process may use, at most 32."""
    if asked != "auto":
        return asked
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, _MOST_AUTO)


def overlapped(function: Callable[[T], R], items: Iterable[T], *, workers: int, ahead: int) -> Generator[R, None, None]:
    """`function(item)` for every item, in order, computed by `workers` threads.

    At most `workers + ahead` results are finished or under way beyond the one that was taken last, whatever the number
    of items. The first exception is raised in its item's turn, after all earlier results; then nothing new is started.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= workers + ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
