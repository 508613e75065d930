"""Seeded choices for the planners: floats, picks and shares from one stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """A stream of decisions that depends only on `seed`, and returns plain Python values."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)

    def between(self, low: float, high: float) -> float:
        """A float drawn uniformly from [low, high)."""
        return float(self.generator.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """An integer drawn uniformly from low..high, both included."""
        return int(self.generator.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return bool(self.generator.random() < probability)

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`, each equally likely."""
        return choices[int(self.generator.integers(len(choices)))]

    def weighted(self, shares: Mapping[T, float]) -> T:
        """One key of `shares`, in proportion to its value."""
        names = list(shares)
        share = np.array([shares[name] for name in names], dtype=np.float64)
        return names[int(self.generator.choice(len(names), p=share / share.sum()))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """A new list with `items` in random order."""
        return [items[int(i)] for i in self.generator.permutation(len(items))]

    def seed(self) -> int:
        """A seed for a stream of its own."""
        return int(self.generator.integers(2**62))
