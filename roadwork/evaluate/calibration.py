"""From a margin to a probability, with 0.5 as the decision boundary.

`p = sigmoid(scale · (margin - threshold))`. The threshold is chosen for decisions (it maximises the MCC), the scale
for honesty of the probabilities (maximum likelihood given that threshold). That is Platt scaling with its offset tied
to the decision (Platt 1999, "Probabilistic outputs for support vector machines").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy.optimize import minimize_scalar
from scipy.special import expit

from roadwork.config import Section
from roadwork.errors import DataError, SplitError
from roadwork.evaluate.bootstrap import mcc_of_counts

_LOG_SCALE_RANGE = (-4.0, 4.0)
"""Bounds of log10(scale · typical margin): from 'knows nothing' to 'a step'."""

_BELOW_HALF = np.nextafter(0.5, 0.0)
"""Where rounding would carry a margin just below the threshold to 0.5, that is roadwork."""


class Calibration(Section):
    """`p = sigmoid(scale · (margin - threshold))`."""

    scale: float = Field(description="steepness per unit of margin", gt=0)
    threshold: float = Field(description="the margin whose probability is 0.5: the decision boundary")

    def probabilities(self, margins: ArrayLike) -> NDArray[np.float64]:
        """Probability of roadwork of each margin: never falling, and below 0.5 exactly where the margin is too low."""
        above = np.asarray(margins, np.float64) - self.threshold
        probability = expit(self.scale * above)
        return np.where(above < 0, np.minimum(probability, _BELOW_HALF), probability)


def fit_calibration(labels: ArrayLike, margins: ArrayLike, *, where: str = "") -> Calibration:
    """The calibration of `margins [image]` with `labels [image]` (0 or 1).

    Raises SplitError when only one class is present, DataError when a margin is not finite. `where` says in the
    message which predictions were being calibrated.
    """
    truth, values = np.asarray(labels, np.int64), np.asarray(margins, np.float64)
    positives = int(truth.sum())
    if not 0 < positives < len(truth):
        raise SplitError(
            f"{len(truth)} images with {positives} of roadwork can't fix a decision threshold",
            where=where,
            rule="at least one image of each class",
            fix="give this part of the data images of both classes",
        )
    if not np.isfinite(values).all():
        raise DataError("a margin is not finite", where=where)
    threshold = best_threshold(truth, values)
    return Calibration(scale=_best_scale(truth, values - threshold), threshold=threshold)


def best_threshold(labels: ArrayLike, margins: ArrayLike) -> float:
    """The midpoint of the plateau of thresholds with the highest MCC; a margin at the threshold counts as roadwork.

    Between two neighbouring distinct margins every threshold decides alike: such a stretch is a plateau, adjacent
    stretches of equal MCC included. Among equal plateaus the widest is taken, then the lowest. If no threshold beats an
    MCC of 0, everything is put in the more frequent class (one unit beyond the margins).
    """
    truth, values = np.asarray(labels, np.int64), np.asarray(margins, np.float64)
    edges, index = np.unique(values, return_inverse=True)
    positives = np.bincount(index, weights=truth, minlength=len(edges)).cumsum()
    below = np.bincount(index, minlength=len(edges)).cumsum()
    fn, tn = positives[:-1], below[:-1] - positives[:-1]  # what lies below the cut between edges i and i+1
    tp, fp = truth.sum() - fn, (len(truth) - truth.sum()) - tn
    mcc = np.round(mcc_of_counts(np.stack([tp, fp, fn, tn], axis=-1)), 12)
    if not len(mcc) or mcc.max() <= 0:
        beyond = max(edges[-1] + 1, np.nextafter(edges[-1], np.inf))  # next to 2**53, + 1 changes nothing
        return float(edges[0] - 1 if 2 * truth.sum() > len(truth) else beyond)
    best = np.flatnonzero(mcc == mcc.max())
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    plateaus = [(edges[run[0]], edges[run[-1] + 1]) for run in runs]
    low, high = max(plateaus, key=lambda ends: (ends[1] - ends[0], -ends[0]))
    middle = low + (high - low) / 2
    return float(middle if middle > low else high)  # between neighbouring floats there is no middle


def _best_scale(truth: NDArray[np.int64], centred: NDArray[np.float64]) -> float:
    """Maximum-likelihood scale with Platt's smoothed targets, which keep it finite when the classes are separable."""
    positives = truth.sum()
    targets = np.where(truth == 1, (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2))
    typical = float(np.sqrt(np.mean(centred**2)))
    if typical == 0:
        return 1.0

    def loss(log_scale: float) -> float:
        z = 10**log_scale * centred / typical
        return float(np.mean(np.logaddexp(0, z) - targets * z))

    found = minimize_scalar(loss, bounds=_LOG_SCALE_RANGE, method="bounded", options={"xatol": 1e-9})
    return float(10**found.x / typical)
