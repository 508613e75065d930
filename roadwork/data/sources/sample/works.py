"""The plan of a works site: 2 to 8 objects on one stretch of lane, verge or pavement, close enough to be seen."""

from __future__ import annotations

from dataclasses import dataclass

from roadwork.data.sources.sample.camera import Camera
from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.palette import DIRT
from roadwork.data.sources.sample.street import Street
from roadwork.data.sources.sample.thing import Thing

KINDS = ("barrier", "cone", "trench", "worker", "works_sign", "works_vehicle")
FEWEST, MOST = 2, 8

_SEEN_SHARE = 0.6
_ATTEMPTS = 400


@dataclass(frozen=True)
class _Site:
    left_m: float
    right_m: float
    near_m: float
    side: int

    @property
    def middle_m(self) -> float:
        return (self.left_m + self.right_m) / 2

    @property
    def width_m(self) -> float:
        return self.right_m - self.left_m


def plan_works(dice: Dice, street: Street, camera: Camera) -> list[Thing]:
    """The objects of one works site, each with most of its near face in the image."""
    for attempt in range(_ATTEMPTS):
        site = _site(dice, street, camera, centred=attempt > _ATTEMPTS // 2)
        things = [thing for thing in _objects(dice, site, street.asphalt) if thing.seen_share(camera) >= _SEEN_SHARE]
        kinds = {thing.kind for thing in things}
        if len(things) >= FEWEST and kinds & {"barrier", "trench", "works_vehicle"} and len(kinds) > 1:
            return things[:MOST]
    raise RuntimeError("no works site fits this camera, which every planned camera should allow")


def _site(dice: Dice, street: Street, camera: Camera, *, centred: bool) -> _Site:
    near, half = dice.between(3.4, 5.2), street.half_m
    if centred:
        return _Site(camera.x_m - 1.5, camera.x_m + 1.5, near, 1)
    side = dice.pick((-1, 1))
    lane = 2 * half / street.lanes
    inner = half - dice.between(0.85, 1.1) * lane
    outer = half + (dice.between(-0.4, 0.9 * street.pavement_m) if street.pavement_m else dice.between(-0.2, 0.8))
    left, right = sorted((side * inner, side * outer))
    return _Site(left, right, near, side)


def _objects(dice: Dice, site: _Site, asphalt: tuple[int, int, int]) -> list[Thing]:
    near, things = site.near_m, []
    if dice.chance(0.82):
        parts = 2 if site.width_m > 3.2 and dice.chance(0.75) else 1
        look, height = dice.count(0, 2), dice.between(1.0, 1.2)
        width = min(2.4, site.width_m / parts - 0.1)
        for part in range(parts):
            x = site.left_m + site.width_m * (part + 0.5) / parts
            things.append(Thing("barrier", x, near + dice.between(0.0, 0.4), width, height, 0.5, asphalt, look))
    if dice.chance(0.65):
        start = near + dice.between(0.8, 1.6)
        size = (site.width_m * dice.between(0.75, 0.98), dice.between(0.7, 1.2), dice.between(3.5, 7.5))
        things.append(Thing("trench", site.middle_m, start, *size, DIRT, dice.count(0, 2**31)))
    if dice.chance(0.55):
        x = site.middle_m + dice.between(-0.3, 0.3)
        start = near + dice.between(5.0, 7.5)
        if dice.chance(0.6):
            things.append(Thing("works_vehicle", x, start, 2.4, 2.9, 6.2, asphalt, 0))
        else:
            things.append(Thing("works_vehicle", x, start, 3.4, 3.2, 3.6, asphalt, 1))
    if dice.chance(0.6):
        outer = site.right_m if site.side > 0 else site.left_m
        x = outer + site.side * dice.between(-0.3, 0.5)
        width = dice.between(1.05, 1.35)
        things.append(
            Thing(
                "works_sign",
                x,
                near + dice.between(-0.4, 1.5),
                width,
                dice.between(1.9, 2.5),
                0.15,
                asphalt,
                dice.count(0, 2),
            )
        )
    for _ in range(dice.weighted({0: 0.45, 1: 0.35, 2: 0.2})):
        x = dice.between(site.left_m, site.right_m)
        things.append(
            Thing(
                "worker",
                x,
                near + dice.between(1.0, 6.0),
                0.72,
                dice.between(1.65, 1.88),
                0.45,
                asphalt,
                dice.count(0, 5),
            )
        )
    cones = dice.count(2, 5) if dice.chance(0.85) else 0
    look, inner = (2 if dice.chance(0.25) else 0), (site.left_m if site.side > 0 else site.right_m)
    for k in range(cones):
        x = inner - site.side * dice.between(0.15, 0.4) + site.side * 0.12 * k
        height = dice.between(0.7, 0.85) if look == 0 else 1.05
        things.append(Thing("cone", x, near - 0.6 + 1.5 * k, 0.46 if look == 0 else 0.3, height, 0.4, asphalt, look))
    return things
