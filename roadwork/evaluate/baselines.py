"""What simple models reach on the same cached features: without them no number of the head means anything.

All are fitted on train and tuned (strength, k, epochs, threshold) on val only, exactly as the head is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadwork.errors import SplitError
from roadwork.evaluate.attention_mil import fit_attention_mil
from roadwork.evaluate.calibration import fit_calibration
from roadwork.evaluate.config import BaselinesConfig
from roadwork.evaluate.convergence import convergence_noted
from roadwork.evaluate.neighbours import fit_neighbours
from roadwork.evaluate.probe import fit_probe
from roadwork.seeding import derive

NAMES = (
    "majority", "metadata_only", "linear_probe_mean", "linear_probe_global", "linear_probe_mean_max",
    "nearest_neighbours", "attention_mil",
)  # fmt: skip

Splits = dict[str, NDArray[Any]]
"""Arrays by split: train, val, test."""


@dataclass(frozen=True)
class BaselineResult:
    """Probabilities on test `[image]`, the margin at 0.5 (None where there is none), and what was chosen on val."""

    probabilities: NDArray[np.float64]
    threshold: float | None
    chosen: dict[str, float | int]


def fit_baselines(
    views: Splits, metadata: Splits, labels: Splits, config: BaselinesConfig, *, seed: int
) -> dict[str, BaselineResult]:
    """Each baseline of `NAMES` on the test split.

    By split: `views [image view dim]` embeddings, `metadata [image feature]`, `labels [image]` (0 or 1; those of test
    aren't read). Only attention-MIL draws random numbers, all from `seed`. Raises SplitError
    when train or val hold one class only.
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
    largest = {split: array.max(axis=1).astype(np.float32) for split, array in views.items()}
    both = {split: np.concatenate([mean[split], largest[split]], axis=1) for split in views}

    probed = {
        "metadata_only": metadata,
        "linear_probe_mean": mean,
        "linear_probe_global": first,
        "linear_probe_mean_max": both,
    }

    def vote(features: Splits) -> BaselineResult:
        fitted = fit_neighbours(features, labels, config.neighbours)
        return _calibrated(fitted.margins, features, labels, {"neighbours": fitted.k})

    def attend() -> BaselineResult:
        fitted = fit_attention_mil(views, labels, config.attention_mil, seed=derive(seed, "attention_mil"))
        return _calibrated(fitted.margins, views, labels, fitted.chosen)

    return {
        "majority": _majority(labels["train"], len(views["test"])),
        **{name: _probe(name, features, labels, config) for name, features in probed.items()},
        "nearest_neighbours": vote(mean),
        "attention_mil": attend(),
    }


def _probe(name: str, features: Splits, labels: Splits, config: BaselinesConfig) -> BaselineResult:
    """The linear probe `name` on `features [image feature]` by split, its strength and threshold chosen on val."""
    with convergence_noted(f"the baseline {name}"):
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
