"""What calibration changed: the same images before it and after it.

Before is the head taken at its word, `sigmoid(margin)`: what its softmax over roadwork and none says.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from roadwork.evaluate.metrics import brier, calibration_error
from roadwork.evaluate.score import rounded


def calibration_evidence(
    labels: ArrayLike, margins: ArrayLike, probabilities: ArrayLike
) -> dict[str, dict[str, float]]:
    """`ece` and `brier` of one model's answers, `before` and `after` calibration, six decimals.

    `labels [image]` are 0 or 1, `margins [image]` the raw margins, `probabilities [image]` the calibrated ones. They
    say something only where the calibration was fitted on other images. Raises DataError like `metrics.scores`.
    """
    return rounded({"before": _errors(labels, uncalibrated(margins)), "after": _errors(labels, probabilities)})


def uncalibrated(margins: ArrayLike) -> NDArray[np.float64]:
    """The probability of roadwork that the head itself gives, `sigmoid(margin)`."""
    return expit(np.asarray(margins, np.float64))


def _errors(labels: ArrayLike, probabilities: ArrayLike) -> dict[str, float]:
    return {
        "ece": calibration_error(labels, probabilities),
        "brier": brier(labels, probabilities),
    }
