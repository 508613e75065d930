"""The horizontal axis that the interval bars of one table share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_STEPS = (0.1, 0.2, 0.5, 1.0)
_MOST_TICKS = 4
_ROUND = 0.05
_MARGIN = 5.0  # percent of the width left free at both ends, so that marks and tick labels are never cut


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` laid over the width of a cell, in percent; `ticks` are drawn and labelled."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where `value` lies, in percent of the width."""
        return round(_MARGIN + (100 - 2 * _MARGIN) * (value - self.low) / (self.high - self.low), 2)


def axis_over(values: Iterable[float], *, reach: tuple[float, ...] = (0.0,)) -> Axis:
    """The shortest axis with round ends that holds `values` and everything in `reach`, with a few round ticks."""
    held = [*values, *reach]
    low, high = math.floor(_steps(min(held), _ROUND)) * _ROUND, math.ceil(_steps(max(held), _ROUND)) * _ROUND
    high = max(high, low + _STEPS[0])
    ticks: tuple[float, ...] = ()
    for step in _STEPS:
        first, last = math.ceil(_steps(low, step)), math.floor(_steps(high, step))
        ticks = tuple(round(number * step, 6) for number in range(first, last + 1))
        if len(ticks) <= _MOST_TICKS:
            break
    return Axis(round(low, 6), round(high, 6), ticks)


def _steps(value: float, step: float) -> float:
    """How many steps, free of the last bits' noise."""
    return round(value / step, 6)
