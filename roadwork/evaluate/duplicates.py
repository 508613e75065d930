"""Photographs that are all but the same, found by their features, and whether they stand in different splits.

Frozen features share a large common vector, so that any two photographs have a cosine near 1. What is compared is what
a photograph's global view has beyond the mean of the training images: there re-encoded and resized copies lie above
0.92, and unrelated photographs around 0 (docs/evaluation.md has the measurement).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from roadwork.data.distance import haversine_km
from roadwork.data.near_pairs import Tile, group_numbers, near_pairs
from roadwork.data.row import SPLITS
from roadwork.evaluate.score import rounded

EXAMPLES = 20
"""Most pairs that are listed: those with the highest cosine."""


def duplicates(
    frame: pd.DataFrame,
    splits: NDArray[np.str_],
    vectors: NDArray[np.floating],
    *,
    cosine: float,
    radius_m: float,
    exact: dict[str, int],
) -> dict[str, Any]:
    """Pairs of one group or within `radius_m` whose cosine is at least `cosine`; `exact` is as ingest counted it.

    `frame` is the manifest's, `splits [image]` the final ones, `vectors [image dim]` the embeddings of the global view.
    `near` has the number of `pairs`, how many are `within_splits` and `across_splits`, the latter `by_splits` too,
    `images` (by split: those that have a near-duplicate in another split) and up to EXAMPLES `examples` across splits,
    the most similar first.
    """
    found = _Found(frame, splits, cosine)
    unit = centred_unit_vectors(vectors, splits == "train")
    for tile in near_pairs(frame, radius_m):
        if tile.near.any():
            found.add(tile, unit[tile.rows] @ unit[tile.columns].T)
    return rounded({"exact": exact, "near": found.summary(), "cosine": cosine, "radius_m": radius_m})


def centred_unit_vectors(vectors: NDArray[np.floating], train: NDArray[np.bool_]) -> NDArray[np.float32]:
    """`vectors [image dim]` less the mean of those where `train` is true, each of length 1 (0 stays 0)."""
    unit = vectors.astype(np.float32)
    unit -= vectors[train].mean(axis=0, dtype=np.float64).astype(np.float32)
    length = np.linalg.norm(unit, axis=1, keepdims=True)
    unit /= np.where(length > 0, length, 1.0)
    return unit


@dataclass
class _Found:
    """Counts of the pairs seen so far, and the best of those that are to be listed."""

    frame: pd.DataFrame
    splits: NDArray[np.str_]
    cosine: float
    pairs: int = 0
    counts: NDArray[np.int64] = field(init=False)  # [split split]: pairs across, by the places of their splits
    touched: NDArray[np.bool_] = field(init=False)  # [image]
    best: list[tuple[float, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = np.zeros((len(SPLITS), len(SPLITS)), np.int64)
        self.touched = np.zeros(len(self.frame), bool)
        self.place = np.array([SPLITS.index(name) for name in self.splits])

    def add(self, tile: Tile, cosines: NDArray[np.float32]) -> None:
        hit = tile.near & (cosines >= self.cosine)
        self.pairs += int(hit.sum())
        row, column = np.nonzero(hit & (self.splits[tile.rows][:, None] != self.splits[tile.columns]))
        if not len(row):
            return
        one, other = tile.rows[row], tile.columns[column]
        self.touched[one] = self.touched[other] = True
        ends = np.sort(np.stack([self.place[one], self.place[other]]), axis=0)
        np.add.at(self.counts, (ends[0], ends[1]), 1)
        values = cosines[row, column]
        order = np.argsort(-values, kind="stable")[:EXAMPLES]
        listed = zip(values[order].tolist(), one[order].tolist(), other[order].tolist(), strict=True)
        self.best = sorted([*self.best, *listed], key=lambda pair: (-pair[0], pair[1:]))[:EXAMPLES]

    def summary(self) -> dict[str, Any]:
        across = int(self.counts.sum())
        by_splits = {
            f"{SPLITS[one]}, {SPLITS[other]}": int(self.counts[one, other])
            for one, other in combinations(range(len(SPLITS)), 2)
            if self.counts[one, other]
        }
        return {
            "pairs": self.pairs,
            "within_splits": self.pairs - across,
            "across_splits": across,
            "by_splits": by_splits,
            "images": {name: int(self.touched[self.splits == name].sum()) for name in SPLITS},
            "examples": [self._example(*pair) for pair in self.best],
        }

    def _example(self, cosine: float, one: int, other: int) -> dict[str, Any]:
        first, second = sorted((one, other), key=lambda row: (self.place[row], row))
        pair = self.frame.iloc[[first, second]]
        positions = pair[["latitude_deg", "longitude_deg"]].to_numpy(dtype=np.float64)
        distance_m = 1000.0 * float(haversine_km(*positions[0], *positions[1]))
        group = group_numbers(pair)
        return {
            "first": str(pair["image_id"].iloc[0]),
            "second": str(pair["image_id"].iloc[1]),
            "paths": pair["path"].tolist(),
            "splits": self.splits[[first, second]].tolist(),
            "labels": [None if pd.isna(label) else int(label) for label in pair["label"]],
            "cosine": cosine,
            "distance_m": None if np.isnan(distance_m) else distance_m,
            "same_group": bool(group[0] == group[1] >= 0),
        }
