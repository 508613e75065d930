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
    """Whether the last `patience` epochs all failed to raise the highest MCC (a lower loss alone doesn't count)."""
    if not scores:
        return False
    peak = max(score.mcc for score in scores)
    first = next(index for index, score in enumerate(scores) if score.mcc == peak)
    return len(scores) - 1 - first >= patience
