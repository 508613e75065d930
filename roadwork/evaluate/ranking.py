"""Area under the ROC curve and average precision of one ranking under many weightings of its images at once.

The images are sorted once. A weighting (how often a draw holds each image) then costs two running sums instead of
another sort. Ties share one point of the curve, as in scikit-learn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Ranking:
    """Images by falling probability. `order [image]` sorts whatever belongs to them the same way."""

    order: NDArray[np.int64]

    def __init__(self, labels: ArrayLike, probabilities: ArrayLike) -> None:
        values = np.asarray(probabilities, np.float64)
        self.order = np.argsort(-values, kind="stable")
        self._positive = (np.asarray(labels)[self.order] == 1).astype(np.float64)
        self._last = np.flatnonzero(np.diff(values[self.order], append=-np.inf))  # last image of each tie

    def areas(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """AUROC and average precision `[draw 2]` under `weights [draw image]`, the images in this `order`.

        They equal scikit-learn's `roc_auc_score` and `average_precision_score` with `sample_weight`. NaN where a draw
        holds too little to rank: one class only for the AUROC, no positive for the average precision.
        """
        called = np.cumsum(weights, axis=1)[:, self._last]  # weight of all images down to each distinct probability
        hits = np.cumsum(weights * self._positive, axis=1)[:, self._last]
        misses = called - hits
        positives, negatives = hits[:, -1], misses[:, -1]
        gained = np.diff(hits, prepend=0.0)
        trapezoids = np.diff(misses, prepend=0.0) * (hits - gained / 2)
        precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
        auroc = divided(trapezoids.sum(axis=1), positives * negatives)
        return np.stack([auroc, divided((gained * precision).sum(axis=1), positives)], axis=1)


def divided(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quotient, NaN where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator != 0)
