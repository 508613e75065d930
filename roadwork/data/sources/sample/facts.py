"""What is known about each image besides its pixels: split, label, sequence, position, size; decided before drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadwork.data.sources.sample.cities import CITIES, City, moved_m, position_in
from roadwork.data.sources.sample.dice import Dice
from roadwork.errors import DataError
from roadwork.seeding import derive

SPLIT_SHARES = {"train": 140, "val": 32, "test": 60, "holdout": 24}
FEWEST_IMAGES = 24
FEWEST_WIDTH_PX = 96
LARGE_PX = (4032, 3024)
NULL_SHARE = 0.6
NULLABLE = ("weather", "daytime", "scene", "description")

_LARGE_SHARE = 0.055
_SIZES_PX = {(1280, 960): 0.4, (1600, 1200): 0.22, (1920, 1080): 0.22, (1080, 1920): 0.1, (1440, 1080): 0.06}
_TURNED_SHARE = 0.07
_ORIENTATIONS = (3, 6, 8)
_GPS = {"table": 0.78, "both": 0.08, "exif": 0.1, "none": 0.04}


@dataclass(frozen=True)
class Facts:
    """One image before it is drawn. `gps` says where the position is written: table, exif, both or none."""

    index: int
    split: str
    label: int
    group: str
    frame: int
    width_px: int
    height_px: int
    orientation: int
    latitude_deg: float
    longitude_deg: float
    gps: str
    known: frozenset[str]
    street_seed: int
    image_seed: int


@dataclass(frozen=True)
class _Sequence:
    split: str
    number: int
    frames: int
    first: int


def plan_facts(*, seed: int, images: int, max_width_px: int) -> list[Facts]:
    """The facts of every image, in order: a pure function of its arguments.

    Splits are proportional to 140 : 32 : 60 : 24, labels are balanced in each, and a sequence of one to three frames of
    one street never leaves its split. Which metadata is null depends on neither label nor content.

    Raises:
        DataError: fewer images or pixels than the sample can be divided or drawn with.
    """
    if images < FEWEST_IMAGES:
        raise DataError(
            f"the sample can't be drawn with {images} images",
            where="params.yaml ingest.sample.images",
            rule=f"at least {FEWEST_IMAGES}, so that every split holds both classes",
            fix=f"set ingest.sample.images to {FEWEST_IMAGES} or more",
        )
    if max_width_px < FEWEST_WIDTH_PX:
        raise DataError(
            f"the sample can't be drawn {max_width_px} px wide",
            where="params.yaml ingest.sample.max_width_px",
            rule=f"at least {FEWEST_WIDTH_PX} px, so that a cone is more than a dot",
            fix=f"set ingest.sample.max_width_px to {FEWEST_WIDTH_PX} or more",
        )
    sequences = _sequences(Dice(derive(seed, "sample", "sequences")), images)
    places = _places(Dice(derive(seed, "sample", "places")), sequences)
    sizes = _sizes(Dice(derive(seed, "sample", "sizes")), sequences, images, max_width_px)
    labels, known = _labels_and_nulls(Dice(derive(seed, "sample", "labels")), images)
    facts = []
    for sequence, place, size in zip(sequences, places, sizes, strict=True):
        street_seed = derive(seed, "sample", "street", sequence.number)
        for frame in range(sequence.frames):
            index = sequence.first + frame
            dice = Dice(derive(seed, "sample", "facts", index))
            latitude, longitude = moved_m(place, 9.0 * frame)
            turned = dice.chance(_TURNED_SHARE) or index == 0
            facts.append(
                Facts(
                    index=index,
                    split=sequence.split,
                    label=labels[index],
                    group=f"drive_{sequence.number:04d}",
                    frame=frame,
                    width_px=size[0],
                    height_px=size[1],
                    orientation=dice.pick(_ORIENTATIONS) if turned else 1,
                    latitude_deg=round(latitude, 6),
                    longitude_deg=round(longitude, 6),
                    gps=dice.weighted(_GPS),
                    known=frozenset(known[index]),
                    street_seed=street_seed,
                    image_seed=derive(seed, "sample", "image", index),
                )
            )
    return facts


def split_sizes(images: int) -> dict[str, int]:
    """Images per split, proportional to the full sample's by largest remainders, at least two each."""
    whole = sum(SPLIT_SHARES.values())
    exact = {split: images * share / whole for split, share in SPLIT_SHARES.items()}
    sizes = {split: int(value) for split, value in exact.items()}
    for split in sorted(exact, key=lambda name: sizes[name] - exact[name])[: images - sum(sizes.values())]:
        sizes[split] += 1
    return sizes


def scaled_px(size: tuple[int, int], max_width_px: int) -> tuple[int, int]:
    """A size of the full sample under a smaller widest width: the largest takes it, the others keep their order."""
    width, height = size
    allowed = min(width, round(max_width_px * (0.5 + 0.5 * width / LARGE_PX[0])))
    return allowed, max(1, round(height * allowed / width))


def _sequences(dice: Dice, images: int) -> list[_Sequence]:
    """Sequences in image order; a split of few images has shorter ones, so that it can still be divided."""
    sequences, first = [], 0
    for split, size in split_sizes(images).items():
        longest, left = min(3, max(1, size // 12)), size
        while left:
            frames = min(left, dice.weighted({k: (0.2, 0.4, 0.4)[k - 1] for k in range(1, longest + 1)}))
            sequences.append(_Sequence(split, len(sequences), frames, first))
            first, left = first + frames, left - frames
    return sequences


def _places(dice: Dice, sequences: Sequence[_Sequence]) -> list[tuple[float, float]]:
    """A street for every sequence: cities in their exact shares per split, a different street each time."""
    chosen: list[City | None] = [None] * len(sequences)
    for split in SPLIT_SHARES:
        members = [k for k, sequence in enumerate(sequences) if sequence.split == split]
        share = np.array([city.train_share if split == "train" else city.reference_share for city in CITIES])
        edges = np.cumsum(share / share.sum())
        for rank, member in enumerate(dice.shuffled(members)):
            chosen[member] = CITIES[int(np.searchsorted(edges, (rank + 0.5) / len(members)))]
    places: list[tuple[float, float]] = [(0.0, 0.0)] * len(sequences)
    for city in CITIES:
        members = [k for k, choice in enumerate(chosen) if choice is city]
        for place, member in enumerate(dice.shuffled(members)):
            places[member] = position_in(city, place, len(members))
    return places


def _sizes(dice: Dice, sequences: Sequence[_Sequence], images: int, max_width_px: int) -> list[tuple[int, int]]:
    sizes = [dice.weighted(_SIZES_PX) for _ in sequences]
    large = 0
    for number in dice.shuffled(range(len(sequences))):
        if large >= _LARGE_SHARE * images:
            break
        sizes[number] = LARGE_PX
        large += sequences[number].frames
    return [scaled_px(size, max_width_px) for size in sizes]


def _labels_and_nulls(dice: Dice, images: int) -> tuple[list[int], list[set[str]]]:
    """Per image its label and the metadata fields that are known; the known share is the same for both labels."""
    labels: list[int] = [0] * images
    known: list[set[str]] = [set() for _ in range(images)]
    first = 0
    for size in split_sizes(images).values():
        order = dice.shuffled(range(first, first + size))
        roadwork = (size + dice.count(0, 1)) // 2
        for members, label in ((order[:roadwork], 1), (order[roadwork:], 0)):
            for index in members:
                labels[index] = label
            for field in NULLABLE:
                share = round((1 - NULL_SHARE) * len(members))
                for index in dice.shuffled(members)[:share]:
                    known[index].add(field)
        first += size
    return labels, known
