"""k nearest neighbours by the cosine of standardised features, k chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from roadwork.errors import ParameterError
from roadwork.evaluate.selection import validation_score
from roadwork.train.early_stopping import best_index


@dataclass(frozen=True)
class Neighbours:
    """A fitted vote of `k` neighbours."""

    scaler: StandardScaler
    index: NearestNeighbors
    labels: NDArray[np.int64]
    k: int

    def margins(self, features: NDArray) -> NDArray[np.float64]:
        """Log odds of the vote, half a neighbour added to either side so that a unanimous vote stays finite."""
        return _log_odds(_votes(self, features), self.k)


def fit_neighbours(
    features: dict[str, NDArray], labels: dict[str, NDArray[np.int64]], neighbours: Sequence[int]
) -> Neighbours:
    """The k of `neighbours` that does best on `val` (`validation_score`); of equals the smallest.

    Features and labels are by split, `[image feature]` and `[image]`.

    Raises ParameterError when every k exceeds the number of training images.
    """
    possible = sorted(k for k in neighbours if k <= len(labels["train"]))
    if not possible:
        raise ParameterError(
            f"no value of {list(neighbours)} is at most the {len(labels['train'])} training images",
            where="params.yaml: evaluate.neighbours",
            fix="add a smaller number",
        )
    scaler = StandardScaler().fit(features["train"])
    index = NearestNeighbors(n_neighbors=possible[-1], metric="cosine").fit(scaler.transform(features["train"]))
    widest = Neighbours(scaler, index, labels["train"], possible[-1])
    votes = _votes(widest, features["val"])
    best = best_index([validation_score(labels["val"], _log_odds(votes, k)) for k in possible])
    return Neighbours(scaler, index, labels["train"], possible[best])


def _votes(fitted: Neighbours, features: NDArray) -> NDArray[np.int64]:
    """Labels of the neighbours, nearest first: `[image neighbour]`."""
    return fitted.labels[fitted.index.kneighbors(fitted.scaler.transform(features), return_distance=False)]


def _log_odds(votes: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    roadwork = votes[:, :k].sum(1)
    return np.log((roadwork + 0.5) / (k - roadwork + 0.5))
