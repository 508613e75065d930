"""How a baseline chooses among its candidates on validation: by the rule of the head's early stopping."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from roadwork.train.decision import best_decision
from roadwork.train.early_stopping import Score


def validation_score(labels: ArrayLike, margins: ArrayLike) -> Score:
    """The highest MCC that any threshold reaches, and the mean cross-entropy of the margins taken as log odds.

    `labels [image]` are 0 or 1. `best_index` keeps the highest MCC, of equals the lowest cross-entropy: on a few dozen
    images many candidates reach the same MCC.
    """
    truth, odds = np.asarray(labels, np.float64), np.asarray(margins, np.float64)
    entropy = np.mean(np.logaddexp(0, odds) - truth * odds)
    return Score(round(best_decision(truth, odds).mcc, 12), float(entropy))
