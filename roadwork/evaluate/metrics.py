"""The scores of one set of predictions, in the conventions of scikit-learn.

scikit-learn's own functions give the same numbers (tests hold that); importing them takes longer than a whole stage.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadwork.errors import DataError
from roadwork.evaluate.bootstrap import mcc_of_counts
from roadwork.evaluate.ranking import Ranking

BINS = 15
"""Equal-width probability bins of the expected calibration error."""

SCORES = ("mcc", "f1", "auroc", "auprc", "accuracy", "precision", "recall", "ece", "brier")
"""What is measured of every set of predictions, in the order of its tables."""


def decisions(probabilities: ArrayLike) -> NDArray[np.int64]:
    """1 (roadwork) where the probability is at least 0.5, else 0. The one decision rule of the project."""
    return (np.asarray(probabilities, np.float64) >= 0.5).astype(np.int64)


def scores(labels: ArrayLike, probabilities: ArrayLike) -> dict[str, float | int | None]:
    """Scores of `probabilities [image]` of roadwork against `labels [image]` (0 or 1).

    Keys: mcc, accuracy, precision, recall, f1 (all at probability 0.5), auroc, auprc (average precision), ece
    (`calibration_error`), brier, n. Quantities that aren't defined follow scikit-learn: MCC is 0 when labels or
    decisions hold one class, precision, recall and F1 are 0 for 0/0. The ranking scores need both classes: auroc is
    None when one is missing, auprc is None without a positive.

    Raises DataError when the two differ in length, are empty, or hold anything but 0/1 and probabilities.
    """
    truth, probability = _checked(labels, probabilities)
    decided = decisions(probability)
    tn, fp, fn, tp = np.bincount(2 * truth + decided, minlength=4).tolist()
    auroc, auprc = Ranking(truth, probability).areas(np.ones((1, len(truth))))[0].tolist()
    positives = tp + fn
    return {
        "mcc": float(mcc_of_counts(np.array([tp, fp, fn, tn]))),
        "accuracy": (tp + tn) / len(truth),
        "precision": _share(tp, tp + fp),
        "recall": _share(tp, positives),
        "f1": _share(2 * tp, 2 * tp + fp + fn),
        "auroc": auroc if 0 < positives < len(truth) else None,
        "auprc": auprc if positives else None,
        "ece": calibration_error(truth, probability),
        "brier": brier(truth, probability),
        "n": len(truth),
    }


def brier(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """The mean squared difference of probability and label (Brier 1950, in the binary form)."""
    return float(np.mean((np.asarray(labels, np.float64) - np.asarray(probabilities, np.float64)) ** 2))


def calibration_error(labels: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error: the mean over images of |share of roadwork - mean probability| in the image's bin.

    `bins` equal-width bins of the probability of roadwork (Naeini et al. 2015, in the binary form).
    """
    found = reliability(labels, probabilities, bins)
    return sum(part["n"] * abs(part["observed"] - part["predicted"]) for part in found) / sum(
        part["n"] for part in found
    )


def reliability(labels: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> list[dict[str, float]]:
    """By non-empty bin, ascending: mean `predicted` probability, `observed` share of roadwork, `n` images."""
    truth, probability = _checked(labels, probabilities)
    index = bins_of(probability, bins)
    return [
        {"predicted": float(probability[of].mean()), "observed": float(truth[of].mean()), "n": int(of.sum())}
        for of in (index == b for b in range(bins))
        if of.any()
    ]


def bins_of(probabilities: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The equal-width bin of each probability, from 0; a probability of 1 is in the last: `[image]`."""
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _checked(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    truth, probability = np.asarray(labels), np.asarray(probabilities, np.float64)
    if truth.shape != probability.shape or truth.ndim != 1 or not len(truth):
        raise DataError(
            f"labels {truth.shape} and probabilities {probability.shape} can't be scored",
            rule="two vectors of one length, at least one image",
        )
    if not np.isin(truth, (0, 1)).all():
        raise DataError("a label is neither 0 nor 1", rule="leave unlabelled images out before scoring")
    if not ((probability >= 0) & (probability <= 1)).all():
        raise DataError("a probability lies outside 0 to 1 or is not a number")
    return truth.astype(np.int64), probability
