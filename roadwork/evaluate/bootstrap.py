"""Group bootstrap: resample whole blocks, because images of one place or one video are not independent.

A resample is how often each block was drawn: one row of `[draw block]`. A score that is made of sums over images
(counts, squared errors) is then a matrix product with the sums of each block, so thousands of resamples are quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

MOST_LEFT_OUT = 1_000
"""Most jackknife replicates: one for each block up to here; with more blocks several are left out together."""

_CELLS = 2**17
"""Most entries of one array `[draw image]` held at a time (1 MiB)."""


@dataclass(frozen=True)
class Interval:
    """The values that the truth is said to lie between."""

    low: float
    high: float


@dataclass(frozen=True)
class Resampling:
    """How often, how wide, and with which seed to resample."""

    resamples: int
    confidence: float
    seed: int

    def levels(self, blocks: int) -> NDArray[np.float64]:
        """Where the two ends of an interval lie, in standard deviations: `[2]`; about ±1.96 at a confidence of 0.95.

        Resamples of few blocks vary too little. So the ends are those of Student's t with `blocks - 1` degrees of
        freedom, times `sqrt(blocks / (blocks - 1))` (Hesterberg 2015, "What teachers should know about the bootstrap",
        the expanded percentile interval).
        """
        tail = (1 - self.confidence) / 2
        return stdtrit(blocks - 1, np.array([tail, 1 - tail])) * np.sqrt(blocks / (blocks - 1))

    def draws(self, blocks: int, images: int) -> Iterator[NDArray[np.float64]]:
        """How often each block is in each resample, after `blocks` draws with replacement: `[draw block]`, in parts.

        The parts keep arrays `[draw image]` small. What is drawn depends on the seed and the number of blocks only, so
        two models on the same images see the same resamples.
        """
        generator = np.random.default_rng(self.seed)
        for part in _parts(self.resamples, blocks, images):
            drawn = generator.integers(blocks, size=(len(part), blocks)) + blocks * np.arange(len(part))[:, None]
            counts = np.bincount(drawn.ravel(), minlength=len(part) * blocks)
            yield counts.reshape(len(part), blocks).astype(np.float64)


def leave_one_out(blocks: int, images: int) -> Iterator[NDArray[np.float64]]:
    """Every block once but for one, for each block in turn (the jackknife): `[draw block]`, in parts like `draws`.

    Of more than `MOST_LEFT_OUT` blocks every so many-th are left out together (the grouped jackknife; Efron &
    Tibshirani 1993, ch. 11.5): the skewness that is wanted of it hardly differs, and the time grows with the images
    instead of their square.
    """
    groups = np.arange(blocks) % min(blocks, MOST_LEFT_OUT)
    for part in _parts(min(blocks, MOST_LEFT_OUT), blocks, images):
        yield (groups[None, :] != np.array(part)[:, None]).astype(np.float64)


def _parts(rows: int, blocks: int, images: int) -> Iterator[range]:
    step = max(1, _CELLS // max(blocks, images))
    return (range(start, min(start + step, rows)) for start in range(0, rows, step))


def block_index(blocks: ArrayLike) -> NDArray[np.int64]:
    """The place of each image's block among the blocks in ascending order, from 0: `[image]`."""
    return np.unique(np.asarray(blocks), return_inverse=True)[1].astype(np.int64)


def block_counts(labels: ArrayLike, decided: ArrayLike, blocks: ArrayLike) -> NDArray[np.int64]:
    """True positives, false positives, false negatives, true negatives of each block: `[block 4]`, blocks ascending."""
    truth, decision = np.asarray(labels, np.int64), np.asarray(decided, np.int64)
    index = block_index(blocks)
    cell = 2 * (1 - truth) + (1 - decision)  # 0: TP, 1: FN, 2: FP, 3: TN
    counts = np.zeros((index.max() + 1, 4), np.int64)
    np.add.at(counts, (index, np.array([0, 2, 1, 3])[cell]), 1)
    return counts


def mcc_of_counts(counts: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Matthews correlation of `counts [... 4]` (TP, FP, FN, TN); 0 where a margin is empty, as scikit-learn has it."""
    tp, fp, fn, tn = np.moveaxis(counts.astype(np.float64), -1, 0)
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return np.where(product > 0, (tp * tn - fp * fn) / np.sqrt(np.where(product > 0, product, 1.0)), 0.0)
