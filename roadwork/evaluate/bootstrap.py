"""Group bootstrap: resample whole blocks, because images of one place or one video are not independent.

Only the confusion counts of each block matter for the MCC, so every resample is one row of a matrix product: how often
each block was drawn `[resample block]` times its counts `[block 4]`. Thousands of resamples take well under a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_CELLS = 2**24
"""Most entries of the matrix of draws held at a time (128 MiB)."""


@dataclass(frozen=True)
class Interval:
    """A percentile interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """First minus second model on the same resamples, and the share of resamples in which it is above 0."""

    mcc: float
    interval: Interval | None
    probability_positive: float | None


@dataclass(frozen=True)
class Resampling:
    """How often, how wide, and with which seed to resample."""

    resamples: int
    confidence: float
    seed: int

    def mcc_interval(self, labels: ArrayLike, decided: ArrayLike, blocks: ArrayLike) -> Interval | None:
        """Percentile interval of the MCC; None with fewer than two blocks, where nothing varies."""
        counts = block_counts(labels, decided, blocks)
        if len(counts) < 2:
            return None
        return self._interval(self._resampled_mcc(counts)[:, 0])

    def difference(self, labels: ArrayLike, first: ArrayLike, second: ArrayLike, blocks: ArrayLike) -> Difference:
        """MCC of decisions `first` minus MCC of decisions `second`, paired: both see the same resamples."""
        counts = np.concatenate([block_counts(labels, first, blocks), block_counts(labels, second, blocks)], axis=1)
        whole = mcc_of_counts(counts.sum(0).reshape(2, 4))
        point = float(whole[0] - whole[1])
        if len(counts) < 2:
            return Difference(point, None, None)
        resampled = self._resampled_mcc(counts)
        differences = resampled[:, 0] - resampled[:, 1]
        return Difference(point, self._interval(differences), float((differences > 0).mean()))

    def _resampled_mcc(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """`counts [block 4*model]` → MCC `[resample model]`. The draws depend on seed and number of blocks only."""
        generator = np.random.default_rng(self.seed)
        step = max(1, _CELLS // len(counts))
        parts = []
        for start in range(0, self.resamples, step):
            drawn = _draw(generator, min(step, self.resamples - start), len(counts))
            parts.append(drawn.astype(np.float64) @ counts.astype(np.float64))  # exact: counts are far below 2**53
        return mcc_of_counts(np.concatenate(parts).reshape(self.resamples, -1, 4))

    def _interval(self, values: NDArray[np.float64]) -> Interval:
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(values, [tail, 1 - tail])
        return Interval(float(low), float(high))


def _draw(generator: np.random.Generator, resamples: int, blocks: int) -> NDArray[np.int64]:
    """How often each block is drawn in each resample, `blocks` draws with replacement: `[resample block]`."""
    drawn = generator.integers(blocks, size=(resamples, blocks)) + blocks * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * blocks).reshape(resamples, blocks)


def block_counts(labels: ArrayLike, decided: ArrayLike, blocks: ArrayLike) -> NDArray[np.int64]:
    """True positives, false positives, false negatives, true negatives of each block: `[block 4]`, blocks ascending."""
    truth, decision = np.asarray(labels, np.int64), np.asarray(decided, np.int64)
    _, index = np.unique(np.asarray(blocks), return_inverse=True)
    cell = 2 * (1 - truth) + (1 - decision)  # 0: TP, 1: FN, 2: FP, 3: TN
    counts = np.zeros((index.max() + 1, 4), np.int64)
    np.add.at(counts, (index, np.array([0, 2, 1, 3])[cell]), 1)
    return counts


def mcc_of_counts(counts: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Matthews correlation of `counts [... 4]` (TP, FP, FN, TN); 0 where a margin is empty, as scikit-learn has it."""
    tp, fp, fn, tn = np.moveaxis(counts.astype(np.float64), -1, 0)
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return np.where(product > 0, (tp * tn - fp * fn) / np.sqrt(np.where(product > 0, product, 1.0)), 0.0)
