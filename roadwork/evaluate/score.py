"""One row of the scorecard: all scores of one set of predictions, with an interval, rounded for the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadwork.evaluate.bootstrap import Interval, Resampling
from roadwork.evaluate.metrics import decisions, scores

_DECIMALS = 6


@dataclass(frozen=True)
class Predictions:
    """Labelled images of one split with what a model says of them.

    `labels [image]` 0 or 1, `blocks [image]` (images of one place or video share a number), `probabilities [image]`;
    `threshold` is the margin at probability 0.5, None where there is no single one.
    """

    labels: NDArray[np.int64]
    blocks: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    threshold: float | None = None


def interval_name(confidence: float) -> str:
    """`ci95` for a confidence of 0.95: the suffix of an interval's key."""
    return f"ci{100 * confidence:g}"


def score_row(predictions: Predictions, resampling: Resampling) -> dict[str, Any]:
    """`scores` plus `blocks`, `threshold` and the interval of the MCC (`mcc_ci95` at a confidence of 0.95).

    Floats have six decimals, so that the file is the same on every repetition; an interval is `[low, high]`, or None
    with fewer than two blocks.
    """
    found = scores(predictions.labels, predictions.probabilities)
    interval = resampling.mcc_interval(predictions.labels, decisions(predictions.probabilities), predictions.blocks)
    row: dict[str, Any] = {"mcc": found.pop("mcc")}
    row[f"mcc_{interval_name(resampling.confidence)}"] = _pair(interval)
    row |= {"n": found.pop("n"), "blocks": len(np.unique(predictions.blocks))}
    return rounded(row | found | {"threshold": predictions.threshold})


def difference_row(first: Predictions, second: Predictions, resampling: Resampling) -> dict[str, Any]:
    """MCC of `first` minus `second` on the same images: `mcc`, its interval, and `probability_positive`."""
    difference = resampling.difference(
        first.labels, decisions(first.probabilities), decisions(second.probabilities), first.blocks
    )
    return rounded(
        {
            "mcc": difference.mcc,
            interval_name(resampling.confidence): _pair(difference.interval),
            "probability_positive": difference.probability_positive,
        }
    )


def rounded(value: Any) -> Any:
    """`value` with every float in it, at any depth, at six decimals (and -0.0 as 0.0)."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return round(value, _DECIMALS) + 0.0
    return value


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]
