"""Rows of the scorecard: all scores of one set of predictions, or of one minus another, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadwork.errors import DataError
from roadwork.evaluate.bootstrap import Interval, Resampling
from roadwork.evaluate.metrics import SCORES, scores
from roadwork.evaluate.resampled import resample_scores

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
    """`ci95` for a confidence of 0.95, `ci99_9` for 0.999: the suffix of an interval's key, which holds no dot."""
    return f"ci{100 * confidence:g}".replace(".", "_")


def score_row(predictions: Predictions, resampling: Resampling) -> dict[str, Any]:
    """`n`, `blocks`, `threshold`, and each score with its interval: `mcc` and `mcc_ci95` at a confidence of 0.95.

    Floats have six decimals, so that the file is the same on every repetition. An interval is `[low, high]`; None with
    fewer than two blocks, or where too many resamples leave the score undefined (`ResampledScores`).
    """
    labels, probabilities, blocks = predictions.labels, predictions.probabilities, predictions.blocks
    found = scores(labels, probabilities)
    resampled = resample_scores(labels, probabilities, blocks, resampling)
    row: dict[str, Any] = {"n": found["n"], "blocks": len(np.unique(blocks)), "threshold": predictions.threshold}
    for name in SCORES:
        row[name] = found[name]
        interval = resampled.interval(name, resampling) if resampled else None
        row[f"{name}_{interval_name(resampling.confidence)}"] = _pair(interval)
    return rounded(row)


def difference_row(first: Predictions, second: Predictions, resampling: Resampling) -> dict[str, Any]:
    """Each score of `first` minus that of `second`, its interval, and `_probability_positive`: `mcc`, `mcc_ci95`, ...

    The two are paired: both see the same resamples. The probability is the share of resamples with a difference above
    0. Values are None where a score is undefined, intervals and probabilities also where `score_row` has no interval.
    Raises DataError when the two aren't the same images.
    """
    if not (np.array_equal(first.labels, second.labels) and np.array_equal(first.blocks, second.blocks)):
        raise DataError(
            f"{len(first.labels)} and {len(second.labels)} predictions can't be paired: labels or blocks differ",
            rule="a difference is taken on the same images in the same order",
        )
    values = scores(first.labels, first.probabilities), scores(second.labels, second.probabilities)
    one, other = (resample_scores(p.labels, p.probabilities, p.blocks, resampling) for p in (first, second))
    row: dict[str, Any] = {}
    for name in SCORES:
        pair = values[0][name], values[1][name]
        interval, probability = one.difference(other, name, resampling) if one and other else (None, None)
        row[name] = None if pair[0] is None or pair[1] is None else pair[0] - pair[1]
        row[f"{name}_{interval_name(resampling.confidence)}"] = _pair(interval)
        row[f"{name}_probability_positive"] = probability
    return rounded(row)


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
