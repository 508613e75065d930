"""Data of the curves, in the shapes that DVC's plot templates take: a list of points, one flat record each.

roc: `fpr`, `tpr` (template `linear` or `simple`) · precision_recall: `recall`, `precision` · confusion: `actual`,
`predicted`, one record per image (template `confusion`) · calibration: `predicted`, `observed`, `n`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from roadwork.evaluate.metrics import decisions, reliability
from roadwork.evaluate.score import Predictions, rounded

CLASSES = ("none", "roadwork")


def plot_data(predictions: Predictions) -> dict[str, list[dict[str, Any]]]:
    """Points of each curve by the name of its file. Curves that need both classes are empty when one is missing."""
    labels, probabilities = predictions.labels, predictions.probabilities
    roc, ranking = [], []
    if len(np.unique(labels)) == 2:
        fpr, tpr, _ = roc_curve(labels, probabilities)  # the first threshold is infinite: thresholds stay out
        roc = [{"fpr": float(x), "tpr": float(y)} for x, y in zip(fpr, tpr, strict=True)]
        precision, recall, _ = precision_recall_curve(labels, probabilities, drop_intermediate=True)
        points = zip(recall[::-1], precision[::-1], strict=True)
        ranking = [{"recall": float(x), "precision": float(y)} for x, y in points]
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
        }
    )
