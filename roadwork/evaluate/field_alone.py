"""What one metadata field says about the label on its own: decisions about images that the decider never saw.

Cross-validation goes by block, so that no place and no drive is learned by heart and then met again. Decisions are
those of a class-balanced classifier at probability 0.5; whatever else is chosen is chosen inside the training folds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from roadwork.evaluate.metrics import decisions

FOLDS, INNER_FOLDS = 5, 3
_MAX_ITERATIONS = 5000
_DECIMALS = 9  # of a probability: a classifier that learned nothing says 0.5, whatever the last bit

Labels = NDArray[np.int64]
"""0 or 1 for each image, or its block's number: `[image]`."""

Fitted = Callable[[NDArray], NDArray[np.float64]]
"""`features [image feature]` to the probability of roadwork `[image]`."""

Fit = Callable[[NDArray, Labels, Labels], Fitted]
"""Training images' `features`, `labels` (of both classes) and `blocks` to a classifier."""


def decided_alone(fit: Fit, features: NDArray, labels: Labels, blocks: Labels, seed: int) -> NDArray[np.int64] | None:
    """The decision `[image]` about each image by a classifier of the other folds; None where that can't be had.

    Every class must stand in two blocks at least. Where a training part holds one class only, that class is decided.
    """
    divisions = grouped_divisions(labels, blocks, FOLDS, seed)
    if not divisions:
        return None
    decided = np.empty(len(labels), np.int64)
    for train, rest in divisions:
        if len(np.unique(labels[train])) < 2:
            decided[rest] = labels[train[0]]
        else:
            probability = fit(features[train], labels[train], blocks[train])
            decided[rest] = decisions(np.round(probability(features[rest]), _DECIMALS))
    return decided


def grouped_divisions(labels: Labels, blocks: Labels, folds: int, seed: int) -> list[tuple[NDArray, NDArray]]:
    """Rows to train on and rows to predict, up to `folds` times; stratified by label, whole blocks only.

    There are as many divisions as the rarer class has blocks where that is fewer, and none with a single block.
    """
    folds = min(folds, *(len(np.unique(blocks[labels == label])) for label in (0, 1)))
    if folds < 2:
        return []
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed % 2**32)
    return list(splitter.split(labels, labels, blocks))


def linear(regularisation: Sequence[float], seed: int) -> Fit:
    """Logistic regression on standardised features; of the strengths the one with the best MCC over inner folds."""
    strengths = sorted(regularisation)  # of equals the first, the strongest, is taken

    def fit(features: NDArray, labels: Labels, blocks: Labels) -> Fitted:
        probe = make_pipeline(
            StandardScaler(),
            LogisticRegression(C=strengths[0], class_weight="balanced", max_iter=_MAX_ITERATIONS),
        )
        divisions = grouped_divisions(labels, blocks, INNER_FOLDS, seed)
        inner = [(train, rest) for train, rest in divisions if len(np.unique(labels[train])) == 2]
        if inner and len(strengths) > 1:
            probe = GridSearchCV(probe, {"logisticregression__C": strengths}, scoring="matthews_corrcoef", cv=inner)
        fitted = probe.fit(features, labels)
        return lambda others: fitted.predict_proba(others)[:, 1]

    return fit


def trees(seed: int) -> Fit:
    """Gradient-boosted trees: they can draw a line around a city, which a plane through the globe can't."""

    def fit(features: NDArray, labels: Labels, blocks: Labels) -> Fitted:
        model = HistGradientBoostingClassifier(class_weight="balanced", random_state=seed % 2**32)
        fitted = model.fit(features, labels)
        return lambda others: fitted.predict_proba(others)[:, 1]

    return fit
