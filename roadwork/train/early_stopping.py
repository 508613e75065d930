"""When to stop, and which epoch to keep: pure functions of the validation history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Score(NamedTuple):
    """Validation of one epoch: a larger `mcc` is better and, at equal `mcc`, a smaller `loss`."""

    mcc: float
    loss: float


def best_index(scores: Sequence[Score]) -> int:
    """Index of the score to keep: highest MCC, then lowest loss, then the earliest.

    The loss decides among equals because MCC on a small validation part soon reaches the same few values.
    """
    return min(range(len(scores)), key=lambda index: (-scores[index].mcc, scores[index].loss, index))


def should_stop(scores: Sequence[Score], patience: int) -> bool:
    """Whether none of the last `patience` epochs became the best, in the sense of `best_index`."""
    return bool(scores) and len(scores) - 1 - best_index(scores) >= patience
