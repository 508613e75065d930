"""Numbers as a reader wants them: equal precision, a true minus sign, a dash for what can't be said."""

from __future__ import annotations

from collections.abc import Sequence

NOTHING = "–"


def score(value: float | None, digits: int = 3) -> str:
    """A score with three decimals."""
    return NOTHING if value is None else f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 3) -> str:
    """A difference, its sign always shown unless it is nothing."""
    if value is None:
        return NOTHING
    shown = round(value, digits) + 0.0
    return f"{shown:.{digits}f}" if shown == 0 else f"{shown:+.{digits}f}".replace("-", "−")


def interval(pair: Sequence[float] | None, digits: int = 3) -> str:
    """`low to high`."""
    return NOTHING if pair is None else f"{score(pair[0], digits)} to {score(pair[1], digits)}"


def brackets(pair: Sequence[float] | None) -> str:
    """`[low, high]` with two decimals, for a narrow column."""
    return NOTHING if pair is None else f"[{score(pair[0], 2)}, {score(pair[1], 2)}]"


def short(value: float) -> str:
    """A tick's label."""
    return f"{value:g}".replace("-", "−")


def percent(share: float | None, digits: int = 0) -> str:
    """A share of 1 as a percentage."""
    return NOTHING if share is None else f"{100 * share:.{digits}f} %".replace("-", "−")


def count(value: int) -> str:
    """A number of things, thousands separated."""
    return f"{value:,}"


def duration(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    minutes = seconds / 60
    return f"{minutes:.3g} min" if minutes < 120 else f"{minutes / 60:.3g} h"
