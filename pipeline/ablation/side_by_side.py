"""Several commands at a time, none of which outlives the iteration."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pipeline.ablation.leash import Leashed

_POLL_S = 0.1

Item = TypeVar("Item")
Place = TypeVar("Place")


@contextmanager
def side_by_side(
    items: Iterable[Item], places: Iterable[Place], start: Callable[[Item, Place], Leashed]
) -> Iterator[Iterator[tuple[Item, Place, int]]]:
    """Yields an iterator over `(item, place, exit status)`, in the order in which they end.

    `start(item, place)` is called with each item as soon as a place is free; a place is given away again before its
    last item is handed out. Leaving the `with`, by whatever exception, kills what still runs.
    """
    waiting, free = deque(items), deque(places)
    running: list[tuple[Item, Place, Leashed]] = []

    def ended() -> Iterator[tuple[Item, Place, int]]:
        while waiting or running:
            over = [(one, status) for one in running if (status := one[2].poll()) is not None]
            for one, _ in over:
                running.remove(one)
                free.append(one[1])
            while waiting and free:
                place = free.popleft()
                item = waiting.popleft()
                running.append((item, place, start(item, place)))
            if not over:
                time.sleep(_POLL_S)
            for (item, place, _), status in over:
                yield item, place, status

    try:
        yield ended()
    finally:
        for _, _, process in running:
            process.cut()
