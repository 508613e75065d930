"""The best decision that a head's margins allow, whichever threshold that takes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class BestDecision(NamedTuple):
    """The highest MCC that any threshold reaches, and the lowest margin that then counts as roadwork."""

    mcc: float
    threshold: float


def best_decision(labels: ArrayLike, margins: ArrayLike) -> BestDecision:
    """The best of all rules "roadwork if margin ≥ threshold" for `labels [image]` (0 or 1) and `margins [image]`.

    Among equals the highest threshold; the thresholds are the margins themselves. Matthews correlation coefficient as
    scikit-learn's `matthews_corrcoef`: 0 where everything would be put in one class.
    """
    values = np.asarray(margins)
    order = np.argsort(values, kind="stable")[::-1]
    falling, positive = values[order], (np.asarray(labels)[order] == 1).astype(np.float64)
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)  # the last image of each distinct margin
    tp = positive.cumsum()[last]
    fp = 1 + last - tp
    fn, tn = tp[-1] - tp, fp[-1] - fp
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    mcc = np.where(product > 0, (tp * tn - fp * fn) / np.sqrt(np.maximum(product, 1)), 0.0)
    best = int(mcc.argmax())
    return BestDecision(float(mcc[best]), float(falling[last[best]]))
