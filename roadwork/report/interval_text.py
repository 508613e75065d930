"""What a page says of an interval: where there is none, why; where two models are the same, that they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roadwork.report.numerals import interval, percent

_PERFECT = {"ece": 0.0, "brier": 0.0}


def interval_text(row: Mapping[str, Any], name: str, pair: Sequence[float] | None, confidence: str) -> str:
    """`95 % interval 0.4 to 0.8` of the score `name` of `row`, or the reason why none can be given."""
    if pair is not None:
        return f"{confidence} interval {interval(pair)}"
    if row[name] is None:
        return "not defined on these photographs: no interval can be given"
    if row[name] == _PERFECT.get(name, 1.0):
        return f"no errors among {row['n']}: no interval can be given"
    if row.get("blocks") == 1:
        return "a single block of photographs: no interval can be given"
    return "undefined in too many resamples, because small groups lose a class: no interval can be given"


def equal(value: float | None, pair: Sequence[float] | None) -> bool:
    """Whether a paired difference is 0, in every resample too: the two models score alike."""
    return value == 0 and pair is not None and tuple(pair) == (0, 0)


def above(value: float | None, pair: Sequence[float] | None, probability_positive: float | None) -> str:
    """In which share of resamples a paired difference is above 0; `equal` where it is 0 in all of them."""
    return "equal" if equal(value, pair) else percent(probability_positive)
