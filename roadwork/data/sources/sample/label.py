"""Which images show roadwork and which metadata is known; neither tells the other."""

from __future__ import annotations

from collections.abc import Sequence

from roadwork.data.sources.sample.cities import CITIES, City
from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.drive import SPLIT_SHARES, Drive, split_sizes

NULL_SHARE = 0.6
NULLABLE = ("weather", "daytime", "scene", "description")


def plan_labels(dice: Dice, drives: Sequence[Drive], cities: Sequence[City]) -> list[int]:
    """A label for every image: half of each split, and half of each city in it, so that a position tells nothing."""
    labels: dict[int, int] = {}
    for split in SPLIT_SHARES:
        ordered: list[int] = []
        for city in CITIES:
            here = [s for s, chosen in zip(drives, cities, strict=True) if s.split == split and chosen is city]
            ordered += dice.shuffled([s.first + frame for s in here for frame in range(s.frames)])
        for start in range(0, len(ordered), 2):
            labels.update(zip(ordered[start : start + 2], dice.shuffled((0, 1)), strict=False))
    return [labels[index] for index in range(len(labels))]


def plan_known(dice: Dice, labels: Sequence[int]) -> list[set[str]]:
    """The metadata fields that each image keeps; the share is the same for both labels in every split."""
    known: list[set[str]] = [set() for _ in labels]
    first = 0
    for size in split_sizes(len(labels)).values():
        for label in (0, 1):
            members = [index for index in range(first, first + size) if labels[index] == label]
            for field in NULLABLE:
                for index in dice.shuffled(members)[: round((1 - NULL_SHARE) * len(members))]:
                    known[index].add(field)
        first += size
    return known
