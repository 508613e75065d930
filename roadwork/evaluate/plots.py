"""Data of the curves, in the shapes that DVC's plot templates take: a list of points, one flat record each.

roc: `fpr`, `tpr` · precision_recall: `recall`, `precision` · confusion: `actual`, `predicted`, one record per image ·
calibration, calibration_before, oof_calibration, oof_calibration_before: `predicted`, `observed`, `n`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadwork.evaluate.calibration_evidence import uncalibrated
from roadwork.evaluate.curves import precision_recall_curve, roc_curve
from roadwork.evaluate.metrics import decisions, reliability
from roadwork.evaluate.score import Predictions, rounded

CLASSES = ("none", "roadwork")

Points = list[dict[str, Any]]


def plot_data(
    headline: Predictions, margins: NDArray[np.float64], oof: Predictions, oof_margins: NDArray[np.float64]
) -> dict[str, Points]:
    """Points of each curve by the name of its file, of the headline and, where the name says so, of `oof`.

    `margins [image]` and `oof_margins [image]` are the raw margins of the same images: the reliability before
    calibration is that of their sigmoid. Curves that need both classes are empty when one is missing.
    """
    labels, probabilities = headline.labels, headline.probabilities
    roc, ranking = [], []
    if len(np.unique(labels)) == 2:
        roc = [{"fpr": x, "tpr": y} for x, y in _pairs(*roc_curve(labels, probabilities))]
        ranking = [{"recall": x, "precision": y} for x, y in _pairs(*precision_recall_curve(labels, probabilities))]
    confusion = [
        {"actual": CLASSES[actual], "predicted": CLASSES[decided]}
        for actual, decided in zip(labels, decisions(probabilities), strict=True)
    ]
    return rounded(
        {
            "roc": roc,
            "precision_recall": ranking,
            "confusion": confusion,
            "calibration": reliability(labels, probabilities),
            "calibration_before": reliability(labels, uncalibrated(margins)),
            "oof_calibration": reliability(oof.labels, oof.probabilities),
            "oof_calibration_before": reliability(oof.labels, uncalibrated(oof_margins)),
        }
    )


def _pairs(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[tuple[float, float]]:
    return list(zip(x.tolist(), y.tolist(), strict=True))
