"""A statistic with its bootstrap and jackknife replicates, and the interval that they give.

The interval is Efron's bias-corrected and accelerated one (BCa; Efron 1987, "Better bootstrap confidence intervals"):
the quantiles of the resamples, at levels that allow for their bias (`_centre`) and their skewness (`_acceleration`).
Scores are bounded, so the plain percentile interval fails on one side, that of optimism: for a good model the truth
lies below it too often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from roadwork.evaluate.bootstrap import Interval, Resampling

_NOTHING = 1e-12
"""Differences up to this are the rounding of sums."""


@dataclass(frozen=True)
class Replicates:
    """A statistic of the `sample`, of the `resampled [resample]`, and with each block (or group) `left_out [block]`.

    NaN where it is undefined. `blocks` is how many are resampled.
    """

    sample: float
    resampled: NDArray[np.float64]
    left_out: NDArray[np.float64]
    blocks: int

    def minus(self, other: Replicates) -> Replicates:
        """The difference of two statistics on the same images, paired resample by resample."""
        return Replicates(
            self.sample - other.sample, self.resampled - other.resampled, self.left_out - other.left_out, self.blocks
        )

    def interval(self, resampling: Resampling) -> Interval | None:
        """The interval at `resampling.confidence`, from the resamples in which the statistic is defined.

        If more are undefined than both tails hold together (`1 - confidence` of all), no interval could keep its
        promise, and there is none.
        """
        defined = self.resampled[~np.isnan(self.resampled)]
        if len(defined) < resampling.confidence * len(self.resampled):
            return None
        centre, acceleration = self._centre(defined), self._acceleration()
        shifted = centre + resampling.levels(self.blocks)
        levels = ndtr(centre + shifted / np.maximum(1 - acceleration * shifted, _NOTHING))
        low, high = np.quantile(defined, levels)
        return Interval(float(low), float(high))

    def probability_positive(self) -> float:
        """Share of the resamples above 0, those at 0 counted half, among those in which the statistic is defined.

        Counted as not above, ties would make two identical models look like a certain loss.
        """
        defined = self.resampled[~np.isnan(self.resampled)]
        return float((defined > _NOTHING).mean() + (np.abs(defined) <= _NOTHING).mean() / 2)

    def _centre(self, defined: NDArray[np.float64]) -> float:
        """Median bias of the resamples in standard deviations (z0): below 0 where most lie above the sample's value."""
        above = defined - self.sample
        below = (above < -_NOTHING).sum() + (np.abs(above) <= _NOTHING).sum() / 2
        edge = 0.5  # none or all of them below: as far as this many resamples can tell
        return float(ndtri(np.clip(below, edge, len(defined) - edge) / len(defined)))

    def _acceleration(self) -> float:
        """A sixth of the skewness of the influence on the statistic."""
        defined = self.left_out[~np.isnan(self.left_out)]
        influence = defined.mean() - defined if len(defined) else defined
        spread = np.sum(influence**2) ** 1.5
        return float(np.sum(influence**3) / (6 * spread)) if spread > _NOTHING**3 else 0.0
