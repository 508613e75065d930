"""What simple models reach on the same cached features: without them no number of the head means anything.

All are fitted on train and tuned (strength, k, threshold) on val only, exactly as the head is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadwork.errors import SplitError
from roadwork.evaluate.calibration import fit_calibration
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.neighbours import fit_neighbours
from roadwork.evaluate.probe import fit_probe

NAMES = ("majority", "metadata_only", "linear_probe_mean", "linear_probe_global", "nearest_neighbours")

Splits = dict[str, NDArray[Any]]
"""Arrays by split: train, val, test."""


@dataclass(frozen=True)
class BaselineResult:
    """Probabilities on test `[image]`, the margin at 0.5 (None where there is none), and what was chosen on val."""

    probabilities: NDArray[np.float64]
    threshold: float | None
    chosen: dict[str, float | int]


def fit_baselines(views: Splits, metadata: Splits, labels: Splits, config: EvaluateConfig) -> dict[str, BaselineResult]:
    """Each baseline of `NAMES` on the test split.

    By split: `views [image view dim]` embeddings, `metadata [image feature]`, `labels [image]` (0 or 1; those of test
    aren't read). Raises SplitError when train or val hold one class only.
    """
    for split in ("train", "val"):
        if len(np.unique(labels[split])) < 2:
            raise SplitError(
                f"the {split} split has {len(labels[split])} labelled images of one class at most",
                rule="baselines, like the head, need both classes in train and val",
                fix="give the source images of both classes",
            )
    mean = {split: array.mean(axis=1, dtype=np.float32) for split, array in views.items()}
    first = {split: array[:, 0].astype(np.float32) for split, array in views.items()}

    def vote(features: Splits) -> BaselineResult:
        fitted = fit_neighbours(features, labels, config.neighbours)
        return _calibrated(fitted.margins, features, labels, {"neighbours": fitted.k})

    return {
        "majority": _majority(labels["train"], len(views["test"])),
        "metadata_only": fit_probe_baseline(metadata, labels, config),
        "linear_probe_mean": fit_probe_baseline(mean, labels, config),
        "linear_probe_global": fit_probe_baseline(first, labels, config),
        "nearest_neighbours": vote(mean),
    }


def fit_probe_baseline(features: Splits, labels: Splits, config: EvaluateConfig) -> BaselineResult:
    """A linear probe on `features [image feature]` by split, its strength and threshold chosen on val."""
    fitted, strength = fit_probe(features, labels, config.regularisation)
    return _calibrated(fitted.decision_function, features, labels, {"regularisation": strength})


def _majority(train: NDArray[np.int64], images: int) -> BaselineResult:
    """The share of roadwork in train, whatever the image."""
    return BaselineResult(np.full(images, float(train.mean())), None, {})


def _calibrated(
    margins: Callable[[NDArray], NDArray[np.float64]], features: Splits, labels: Splits, chosen: dict[str, float | int]
) -> BaselineResult:
    calibration = fit_calibration(labels["val"], margins(features["val"]), where="the val split")
    return BaselineResult(calibration.probabilities(margins(features["test"])), calibration.threshold, chosen)
