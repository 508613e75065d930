"""Linear probe: logistic regression on standardised features, its strength chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from roadwork.evaluate.calibration import fit_calibration
from roadwork.evaluate.metrics import decisions, scores

_MAX_ITERATIONS = 5000


def fit_probe(
    features: dict[str, NDArray], labels: dict[str, NDArray[np.int64]], regularisation: Sequence[float]
) -> tuple[Pipeline, float]:
    """The probe fitted on `train` whose C gives the highest MCC on `val`, and that C; of equals the strongest.

    `features` and `labels` are by split, `[image feature]` and `[image]`. Standardisation is learned from `train`.
    """
    best: tuple[float, Pipeline, float] | None = None
    for strength in sorted(regularisation):
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=_MAX_ITERATIONS))
        probe.fit(features["train"], labels["train"])
        mcc = validation_mcc(labels["val"], probe.decision_function(features["val"]))
        if best is None or mcc > best[0]:
            best = (mcc, probe, strength)
    if best is None:
        raise ValueError("no regularisation to choose from")
    return best[1], best[2]


def validation_mcc(labels: NDArray[np.int64], margins: NDArray[np.float64]) -> float:
    """MCC on validation at validation's own best threshold: what every choice of a baseline maximises."""
    calibration = fit_calibration(labels, margins, where="the val split")
    return float(scores(labels, decisions(calibration.probabilities(margins)).astype(float))["mcc"] or 0.0)
