"""What is known about each image besides its pixels: split, label, sequence, position, size; decided before drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadwork.data.sources.sample.cities import moved_m
from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.drive import Drive, plan_cities, plan_drives, plan_places
from roadwork.data.sources.sample.label import plan_known, plan_labels
from roadwork.errors import DataError
from roadwork.seeding import derive

FEWEST_IMAGES = 24
FEWEST_WIDTH_PX = 96
LARGE_PX = (4032, 3024)

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
    drives = plan_drives(Dice(derive(seed, "sample", "drives")), images)
    cities = plan_cities(Dice(derive(seed, "sample", "cities")), drives)
    places = plan_places(Dice(derive(seed, "sample", "places")), cities)
    sizes = _sizes(Dice(derive(seed, "sample", "sizes")), drives, images, max_width_px)
    labels = plan_labels(Dice(derive(seed, "sample", "labels")), drives, cities)
    known = plan_known(Dice(derive(seed, "sample", "nulls")), labels)
    facts = []
    for drive, place, size in zip(drives, places, sizes, strict=True):
        street_seed = derive(seed, "sample", "street", drive.number)
        for frame in range(drive.frames):
            index = drive.first + frame
            dice = Dice(derive(seed, "sample", "facts", index))
            latitude, longitude = moved_m(place, 9.0 * frame)
            turned = dice.chance(_TURNED_SHARE) or index == 0
            facts.append(
                Facts(
                    index=index,
                    split=drive.split,
                    label=labels[index],
                    group=f"drive_{drive.number:04d}",
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


def scaled_px(size: tuple[int, int], max_width_px: int) -> tuple[int, int]:
    """A size of the full sample under a smaller widest width: the largest takes it, the others keep their order."""
    width, height = size
    allowed = min(width, round(max_width_px * (0.5 + 0.5 * width / LARGE_PX[0])))
    return allowed, max(1, round(height * allowed / width))


def _sizes(dice: Dice, drives: Sequence[Drive], images: int, max_width_px: int) -> list[tuple[int, int]]:
    sizes = [dice.weighted(_SIZES_PX) for _ in drives]
    large = 0
    for number in dice.shuffled(range(len(drives))):
        if large >= _LARGE_SHARE * images:
            break
        sizes[number] = LARGE_PX
        large += drives[number].frames
    return [scaled_px(size, max_width_px) for size in sizes]
