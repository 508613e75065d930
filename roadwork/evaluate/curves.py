"""The ROC curve and the curve of precision over recall, corner by corner, in the conventions of scikit-learn.

scikit-learn's own functions give the same points (tests hold that); importing them takes longer than a whole stage.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def roc_curve(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rates of false and of true positives, from (0, 0) to (1, 1), without points on a straight line between others.

    `labels [image]` hold both classes; `probabilities [image]` that are equal share one point. The points are those of
    scikit-learn's `roc_curve`.
    """
    hits, misses = _called(labels, probabilities)
    corner = np.ones(len(hits), bool)
    corner[1:-1] = (np.diff(misses, 2) != 0) | (np.diff(hits, 2) != 0)
    hits, misses = np.append(0.0, hits[corner]), np.append(0.0, misses[corner])
    return misses / misses[-1], hits / hits[-1]


def precision_recall_curve(
    labels: ArrayLike, probabilities: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall, from 0 to 1, and the precision there; of points with one recall the first and the last.

    `labels [image]` hold a positive. The points are those of scikit-learn's `precision_recall_curve` with
    `drop_intermediate`, the other way round.
    """
    hits, misses = _called(labels, probabilities)
    corner = np.ones(len(hits), bool)
    step = np.diff(hits) != 0
    corner[1:-1] = step[:-1] | step[1:]
    hits, misses = hits[corner], misses[corner]
    return np.append(0.0, hits / hits[-1]), np.append(1.0, hits / (hits + misses))


def _called(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many of each class are called roadwork, down to each distinct probability, falling: `[threshold]` each."""
    values = np.asarray(probabilities, np.float64)
    order = np.argsort(-values, kind="stable")
    positive = (np.asarray(labels)[order] == 1).astype(np.float64)
    last = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)
    return positive.cumsum()[last], (1 - positive).cumsum()[last]
