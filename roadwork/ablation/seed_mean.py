"""The MCC averaged over seeds, and what it would be on other test images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from roadwork.evaluate.bootstrap import Resampling, block_counts, block_index, leave_one_out, mcc_of_counts
from roadwork.evaluate.metrics import decisions
from roadwork.evaluate.replicates import Replicates
from roadwork.evaluate.score import Predictions


def seed_mean(runs: Sequence[Predictions], resampling: Resampling) -> Replicates | None:
    """Mean over `runs` (one per seed, the same images in the same order) of the MCC, on each resample of whole blocks.

    All seeds see the same resample, so what is left is the chance of having met these test images; the chance of
    having drawn these seeds is not in it. Two means from the same images and `resampling` are paired. None with fewer
    than two blocks.
    """
    labels, index = runs[0].labels, block_index(runs[0].blocks)
    blocks = int(index.max()) + 1
    if blocks < 2:
        return None
    counts = np.stack([block_counts(labels, decisions(run.probabilities), index) for run in runs], axis=1)
    whole = _means([np.ones((1, blocks))], counts)
    size = blocks, len(labels)
    return Replicates(
        float(whole[0]),
        _means(resampling.draws(*size), counts),
        _means(leave_one_out(*size), counts),
        blocks=blocks,
    )


def mcc(run: Predictions) -> float:
    """Matthews correlation of the decisions at probability 0.5."""
    together = np.zeros(len(run.labels), np.int64)
    return float(mcc_of_counts(block_counts(run.labels, decisions(run.probabilities), together))[0])


def _means(draws: Iterable[NDArray[np.float64]], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean MCC `[draw]` over seeds from `counts [block seed 4]`; NaN where a draw lacks one of the two classes."""
    blocks, seeds, cells = counts.shape
    sums = np.concatenate([drawn @ counts.reshape(blocks, seeds * cells) for drawn in draws]).reshape(-1, seeds, cells)
    tp, fp, fn, tn = np.moveaxis(sums[:, 0], -1, 0)
    both = (tp + fn > 0) & (fp + tn > 0)  # alike for every seed: the labels are the same
    return np.where(both, mcc_of_counts(sums).mean(axis=1), np.nan)
