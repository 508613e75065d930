"""Drives: sequences of one to three frames along one street, divided into splits and spread over cities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadwork.data.sources.sample.cities import CITIES, City, position_in
from roadwork.data.sources.sample.dice import Dice

SPLIT_SHARES = {"train": 140, "val": 32, "test": 60, "holdout": 24}


@dataclass(frozen=True)
class Drive:
    """A sequence: its split, its number in the sample, how many frames it has, and the index of the first."""

    split: str
    number: int
    frames: int
    first: int


def split_sizes(images: int) -> dict[str, int]:
    """Images per split, proportional to the full sample's by largest remainders, at least two each."""
    whole = sum(SPLIT_SHARES.values())
    exact = {split: images * share / whole for split, share in SPLIT_SHARES.items()}
    sizes = {split: int(value) for split, value in exact.items()}
    for split in sorted(exact, key=lambda name: sizes[name] - exact[name])[: images - sum(sizes.values())]:
        sizes[split] += 1
    return sizes


def plan_drives(dice: Dice, images: int) -> list[Drive]:
    """The drives in image order; a split of few images has shorter ones, so that it can still be divided."""
    drives, first = [], 0
    for split, size in split_sizes(images).items():
        longest, left = min(3, max(1, size // 12)), size
        while left:
            frames = min(left, dice.weighted({k: (0.2, 0.4, 0.4)[k - 1] for k in range(1, longest + 1)}))
            drives.append(Drive(split, len(drives), frames, first))
            first, left = first + frames, left - frames
    return drives


def plan_cities(dice: Dice, drives: Sequence[Drive]) -> list[City]:
    """A city for every drive, in the exact shares of its split."""
    chosen: dict[int, City] = {}
    for split in SPLIT_SHARES:
        members = [k for k, drive in enumerate(drives) if drive.split == split]
        share = np.array([city.train_share if split == "train" else city.reference_share for city in CITIES])
        edges = np.cumsum(share / share.sum())
        for rank, member in enumerate(dice.shuffled(members)):
            chosen[member] = CITIES[int(np.searchsorted(edges, (rank + 0.5) / len(members)))]
    return [chosen[k] for k in range(len(drives))]


def plan_places(dice: Dice, cities: Sequence[City]) -> list[tuple[float, float]]:
    """A position for every drive, in a street of its own."""
    places: dict[int, tuple[float, float]] = {}
    for city in CITIES:
        members = [k for k, choice in enumerate(cities) if choice is city]
        for place, member in enumerate(dice.shuffled(members)):
            places[member] = position_in(city, place, len(members))
    return [places[k] for k in range(len(cities))]
