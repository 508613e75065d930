"""Linear probe: logistic regression on standardised features, its strength chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from roadwork.evaluate.selection import validation_score
from roadwork.train.early_stopping import best_index

_MAX_ITERATIONS = 5000


def fit_probe(
    features: dict[str, NDArray], labels: dict[str, NDArray[np.int64]], regularisation: Sequence[float]
) -> tuple[Pipeline, float]:
    """The probe fitted on `train` whose C does best on `val` (`validation_score`), and that C; of equals the strongest.

    `features` and `labels` are by split, `[image feature]` and `[image]`. Standardisation is learned from `train`.
    """
    strengths = sorted(regularisation)
    probes = [
        make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=_MAX_ITERATIONS)).fit(
            features["train"], labels["train"]
        )
        for strength in strengths
    ]
    best = best_index([validation_score(labels["val"], probe.decision_function(features["val"])) for probe in probes])
    return probes[best], strengths[best]
