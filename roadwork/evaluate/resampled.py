"""Every score of one set of predictions on every resample, in one pass over the draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadwork.evaluate.bootstrap import Interval, Resampling, block_counts, block_index, leave_one_out, mcc_of_counts
from roadwork.evaluate.calibration_gaps import CalibrationGaps, block_gaps
from roadwork.evaluate.metrics import SCORES, decisions
from roadwork.evaluate.ranking import Ranking, divided
from roadwork.evaluate.replicates import Replicates

_COUNTS, _SQUARED, _GAPS = slice(0, 4), 4, slice(5, None)
"""Columns of the sums over images: confusion counts, squared errors, calibration gap of each bin."""

_PERFECT = {score: 0.0 if score == "brier" else 1.0 for score in SCORES}


@dataclass(frozen=True)
class ResampledScores:
    """The replicates of each score of `metrics.SCORES`, and the gaps behind the ECE.

    A resample without roadwork says nothing of recall, F1 and average precision; one that lacks either class says
    nothing of MCC and AUROC. That is chance, not the model's doing, so they are undefined there, whatever the
    convention of the point estimate. A 0/0 that is the model's doing keeps scikit-learn's convention: precision, and
    the MCC of a model that calls everything alike, are 0.
    """

    scores: Mapping[str, Replicates]
    gaps: CalibrationGaps

    def interval(self, score: str, resampling: Resampling) -> Interval | None:
        """The interval of `score`; None where too many resamples leave it undefined, or where it is perfect.

        Without a single error there is none to resample: every resample is perfect too, and [1, 1] would claim what a
        few dozen images can't show.
        """
        if score == "ece":
            return self.gaps.interval(resampling)
        replicates = self.scores[score]
        return None if replicates.sample == _PERFECT[score] else replicates.interval(resampling)

    def difference(
        self, other: ResampledScores, score: str, resampling: Resampling
    ) -> tuple[Interval | None, float | None]:
        """Of this minus another model's `score` on the same images: its interval, and its probability to be above 0."""
        difference = self.scores[score].minus(other.scores[score])
        paired = self.gaps.difference(other.gaps, resampling) if score == "ece" else difference.interval(resampling)
        return paired, None if paired is None else difference.probability_positive()


def resample_scores(
    labels: ArrayLike, probabilities: ArrayLike, blocks: ArrayLike, resampling: Resampling
) -> ResampledScores | None:
    """Scores of `probabilities [image]` on each resample of whole `blocks [image]`; None with fewer than two blocks.

    The time grows with resamples × images; the memory doesn't, because the draws come in parts.
    """
    truth, probability, index = np.asarray(labels, np.int64), np.asarray(probabilities, np.float64), block_index(blocks)
    if not index.max():
        return None
    squared = np.bincount(index, weights=(truth - probability) ** 2)[:, None]
    counts = block_counts(truth, decisions(probability), index)
    sums = np.concatenate([counts, squared, block_gaps(truth, probability, index)], axis=1)
    ranking = Ranking(truth, probability)
    owner = index[ranking.order]

    def replicate(draws: Iterable[NDArray[np.float64]]) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
        parts = [np.concatenate([drawn @ sums, ranking.areas(drawn[:, owner])], axis=1) for drawn in draws]
        every = np.concatenate(parts)
        return _scores(every[:, : sums.shape[1]], every[:, sums.shape[1] :])

    size = len(sums), len(truth)
    whole, gaps = replicate([np.ones((1, len(sums)))])
    resampled, resampled_gaps = replicate(resampling.draws(*size))
    left_out, _ = replicate(leave_one_out(*size))
    replicates = {
        name: Replicates(float(whole[name][0]), resampled[name], left_out[name], blocks=len(sums)) for name in whole
    }
    return ResampledScores(replicates, CalibrationGaps(gaps[0], resampled_gaps, len(sums)))


def _scores(
    sums: NDArray[np.float64], areas: NDArray[np.float64]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Scores `[draw]` and calibration gaps `[draw bin]` from `sums [draw column]` over images and `areas [draw 2]`."""
    tp, fp, fn, tn = sums[:, _COUNTS].T
    positives, negatives = tp + fn, fp + tn
    images = (positives + negatives)[:, None]
    gaps = sums[:, _GAPS] / images
    scores = {
        "mcc": np.where((positives > 0) & (negatives > 0), mcc_of_counts(sums[:, _COUNTS]), np.nan),
        "f1": np.where(positives > 0, divided(2 * tp, 2 * tp + fp + fn), np.nan),
        "auroc": areas[:, 0],
        "auprc": areas[:, 1],
        "accuracy": (tp + tn) / images[:, 0],
        "precision": np.nan_to_num(divided(tp, tp + fp)),
        "recall": divided(tp, positives),
        "ece": np.abs(gaps).sum(axis=1),
        "brier": sums[:, _SQUARED] / images[:, 0],
    }
    return scores, gaps
