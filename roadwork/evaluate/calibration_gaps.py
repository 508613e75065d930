"""How far the expected calibration error (ECE) of a sample may be from the truth.

The ECE is the length (sum of absolute values) of a vector: per bin of the probability, roadwork observed minus roadwork
predicted, as a share of all images. A length is biased: noise in a bin adds to it whichever way it points, so a
perfectly calibrated model has an ECE above 0 on every sample, and on a resample of that sample a still larger one. The
percentile interval of the ECE would lie above the truth, often wholly above the estimate.

The vector itself has no such bias. By the triangle inequality its length can't exceed the true one by more than the
length of its error, and a resample shows how long that error is. So each resample gives a lower ECE (the sample's minus
the length of the resample's deviation from it) and an upper one (the resample's own, too high if anything). The
interval reaches from a low quantile of the lower to a high quantile of the upper ones. It errs to the wide side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from roadwork.evaluate.bootstrap import Interval, Resampling
from roadwork.evaluate.metrics import BINS, bins_of


@dataclass(frozen=True)
class CalibrationGaps:
    """By bin, observed minus predicted roadwork as a share of images: `sample [bin]`, `resampled [resample bin]`.

    `blocks` is how many there are to resample.
    """

    sample: NDArray[np.float64]
    resampled: NDArray[np.float64]
    blocks: int

    @property
    def upper(self) -> NDArray[np.float64]:
        """The ECE of each resample: `[resample]`."""
        return np.abs(self.resampled).sum(axis=1)

    @property
    def lower(self) -> NDArray[np.float64]:
        """The sample's ECE minus the length of each resample's deviation from it: `[resample]`, perhaps below 0."""
        return np.abs(self.sample).sum() - np.abs(self.resampled - self.sample).sum(axis=1)

    def interval(self, resampling: Resampling) -> Interval:
        """Of the ECE; never below 0."""
        low, high = ndtr(resampling.levels(self.blocks))
        return Interval(max(0.0, float(np.quantile(self.lower, low))), float(np.quantile(self.upper, high)))

    def difference(self, other: CalibrationGaps, resampling: Resampling) -> Interval:
        """Of the ECE of this model minus that of another on the same resamples.

        Two lengths differ by no more than the length of the vectors' difference, which bounds the interval for models
        that are nearly alike: to nothing for equal ones.
        """
        low, high = ndtr(resampling.levels(self.blocks))
        bound = float(np.quantile(np.abs(self.resampled - other.resampled).sum(axis=1), high))
        return Interval(
            max(float(np.quantile(self.lower - other.upper, low)), -bound),
            min(float(np.quantile(self.upper - other.lower, high)), bound),
        )


def block_gaps(labels: ArrayLike, probabilities: ArrayLike, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum of label minus probability over the images of each block and bin: `[block bin]`."""
    truth, probability = np.asarray(labels, np.float64), np.asarray(probabilities, np.float64)
    cell = index * BINS + bins_of(probability, BINS)
    blocks = int(index.max()) + 1
    sums = np.bincount(cell, weights=truth - probability, minlength=blocks * BINS)
    return sums.astype(np.float64).reshape(blocks, BINS)
