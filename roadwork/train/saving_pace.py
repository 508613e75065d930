"""How often the state of a training is saved: so seldom that saving costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

SHARE = 0.05
"""Largest share of a training's time that goes into saving its state; 1 saves after every epoch."""

_SLOW_DISK = 100e6  # bytes per second: what the first save is taken to cost, before one was timed


class Pace:
    """The time that a training has spent on saving, against all that has passed since it began.

    A kill costs what was trained since the last save: at most about 1 / `share` times as long as a save takes, and one
    epoch. What is trained again is the same bit for bit, so the result doesn't depend on when was saved.
    """

    def __init__(self, share: float, clock: Callable[[], float] = perf_counter) -> None:
        self._share, self._clock = share, clock
        self._began, self._spent, self._last = clock(), 0.0, 0.0

    def allows(self, size_bytes: int) -> bool:
        """Whether one more save of `size_bytes` keeps to the share, if it takes as long as the last one did."""
        expected = self._last or size_bytes / _SLOW_DISK
        return self._spent + expected <= self._share * (self._clock() - self._began + expected)

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Count the time inside the `with` as a save."""
        start = self._clock()
        yield
        self._last = self._clock() - start
        self._spent += self._last
