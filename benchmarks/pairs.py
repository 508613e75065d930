"""Timing in pairs: each round times both, one right after the other, so that a busy machine slows both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Clock = Callable[[], float]


@dataclass(frozen=True)
class Pairs:
    """Seconds of ours and the rival's, round by round."""

    ours_s: list[float]
    rival_s: list[float]

    @property
    def ratios(self) -> list[float]:
        """Ours divided by the rival's, per round."""
        return [ours / rival for ours, rival in zip(self.ours_s, self.rival_s, strict=True)]

    @property
    def ratio(self) -> float:
        """Median over the rounds of ours divided by the rival's: below 1, ours is faster."""
        return statistics.median(self.ratios)

    @property
    def speedup(self) -> float:
        """Median over the rounds of the rival's divided by ours: above 1, ours is faster."""
        return statistics.median(1 / ratio for ratio in self.ratios)


def paired(
    ours: Callable[[], Any],
    rival: Callable[[], Any],
    *,
    rounds: int,
    clock: Clock = time.perf_counter,
    warm_up: bool = True,
) -> Pairs:
    """Time `ours` and `rival` alternately, `rounds` times each; who comes first alternates too.

    `clock` is `time.perf_counter` (wall) or `time.process_time` (CPU seconds of all threads). With `warm_up` each runs
    once before, untimed. For CUDA both must end with a synchronisation.
    """
    if warm_up:
        ours()
        rival()
    seconds: dict[str, list[float]] = {"ours": [], "rival": []}
    for number in range(rounds):
        order = (("ours", ours), ("rival", rival))
        for name, run in order if number % 2 == 0 else order[::-1]:
            start = clock()
            run()
            seconds[name].append(clock() - start)
    return Pairs(seconds["ours"], seconds["rival"])


def seconds_of(run: Callable[[], Any], *, rounds: int, clock: Clock = time.perf_counter, warm_up: bool = True) -> float:
    """Median seconds of `run` alone, where there is nobody to compare it with."""
    if warm_up:
        run()
    taken = []
    for _ in range(rounds):
        start = clock()
        run()
        taken.append(clock() - start)
    return statistics.median(taken)
