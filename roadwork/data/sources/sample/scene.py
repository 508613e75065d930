"""One street scene: everything decided first, then drawn; the plan alone tells where the roadwork is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from roadwork.data.sources.sample.barrier import draw_barrier
from roadwork.data.sources.sample.building import draw_building
from roadwork.data.sources.sample.camera import Camera
from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.cone import draw_cone
from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.furniture import draw_fixture, draw_lamp, draw_roadside, lamp_places
from roadwork.data.sources.sample.light import light_of
from roadwork.data.sources.sample.plant import draw_plant
from roadwork.data.sources.sample.road import draw_road
from roadwork.data.sources.sample.sign import draw_round_sign, draw_warning_sign, draw_works_sign
from roadwork.data.sources.sample.sky import draw_sky
from roadwork.data.sources.sample.street import Street, plan_street
from roadwork.data.sources.sample.thing import Thing
from roadwork.data.sources.sample.traffic import plan_traffic
from roadwork.data.sources.sample.trench import draw_trench
from roadwork.data.sources.sample.vehicle import draw_car, draw_works_vehicle
from roadwork.data.sources.sample.weather import add_glow, add_grain, add_precipitation
from roadwork.data.sources.sample.worker import draw_walker, draw_worker
from roadwork.data.sources.sample.works import plan_works
from roadwork.seeding import derive

_DRAW: Mapping[str, Callable[[Canvas, Thing], None]] = {
    "barrier": draw_barrier,
    "car": draw_car,
    "cone": draw_cone,
    "fixture": draw_fixture,
    "round_sign": draw_round_sign,
    "trench": draw_trench,
    "walker": draw_walker,
    "warning_sign": draw_warning_sign,
    "worker": draw_worker,
    "works_sign": draw_works_sign,
    "works_vehicle": draw_works_vehicle,
}
_FLAT = ("trench",)
_CANVAS_PX = 10_000_000


class SceneObject(NamedTuple):
    """A roadwork object and its box in pixels of the upright image; right and bottom lie just outside."""

    kind: str
    left_px: int
    top_px: int
    right_px: int
    bottom_px: int


@dataclass(frozen=True)
class ScenePlan:
    """All that a picture shows; `works` is empty exactly when there is no roadwork."""

    street: Street
    camera: Camera
    ahead_m: float
    traffic: tuple[Thing, ...]
    works: tuple[Thing, ...]
    seed: int


def plan_scene(
    *, street_seed: int, image_seed: int, frame: int, label: int, width_px: int, height_px: int
) -> ScenePlan:
    """The scene of frame number `frame` of a sequence: a pure function of its arguments."""
    street, dice = plan_street(street_seed), Dice(image_seed)
    camera = _camera(dice, street, width_px, height_px)
    works = tuple(plan_works(Dice(derive(image_seed, "works")), street, camera)) if label else ()
    traffic = plan_traffic(Dice(derive(image_seed, "traffic")), street)
    free = tuple(thing for thing in traffic if not _hides(thing, works, camera))
    return ScenePlan(street, camera, 4.0 + 9.0 * frame + dice.between(0.0, 3.0), free, works, dice.seed())


def objects_of(plan: ScenePlan) -> tuple[SceneObject, ...]:
    """The roadwork objects of a plan with their boxes, far ones first; none for a scene without roadwork."""
    found = []
    for thing in sorted(plan.works, key=lambda thing: -thing.z_m):
        box = thing.box(plan.camera)
        if box is not None:
            found.append(SceneObject(thing.kind, *box))
    return tuple(found)


def draw_scene(plan: ScenePlan) -> tuple[Image.Image, tuple[SceneObject, ...]]:
    """The upright RGB picture of a plan, and where its roadwork is."""
    width, height = plan.camera.width_px, plan.camera.height_px
    factor = max(1, min(4, int((_CANVAS_PX / (width * height)) ** 0.5)))
    camera, street = plan.camera.enlarged(factor), plan.street
    light, dice = light_of(street.weather, street.daytime), Dice(plan.seed)
    canvas = Canvas(camera, light, draw_sky(camera, light, street))
    draw_road(canvas, street, plan.ahead_m)
    draw_roadside(canvas, street)
    for _, paint in sorted(_layers(canvas, plan), key=lambda layer: -layer[0]):
        paint()
    add_glow(canvas)
    add_precipitation(canvas.image, street.weather, dice)
    small = canvas.image.reduce(factor) if factor > 1 else canvas.image
    return add_grain(small, dice, 6.0 if light.dark else 3.2), objects_of(plan)


def _camera(dice: Dice, street: Street, width_px: int, height_px: int) -> Camera:
    driving = street.pavement_m == 0.0 or dice.chance(0.68)
    lane = 2 * street.half_m / street.lanes
    if driving:
        x, height = (
            street.half_m - lane * (0.5 if street.lanes < 3 else 1.5) + dice.between(-0.4, 0.4),
            dice.between(1.3, 1.7),
        )
    else:
        x, height = dice.pick((-1, 1)) * (street.half_m + dice.between(0.4, 1.0)), dice.between(1.55, 1.8)
    portrait = height_px > width_px
    focal = width_px * (dice.between(0.95, 1.1) if portrait else dice.between(0.72, 0.9))
    turn = -0.06 if x > street.half_m else 0.06 if x < -street.half_m else 0.0
    centre = width_px * (0.5 - turn * 2.2 + dice.between(-0.07, 0.07))
    return Camera(width_px, height_px, focal, centre, height_px * dice.between(0.42, 0.52), x, height)


def _hides(thing: Thing, works: tuple[Thing, ...], camera: Camera) -> bool:
    """Whether an ordinary thing stands on the works site, in front of it, or around the camera."""
    if abs(thing.x_m - camera.x_m) < 1.6 and thing.z_m < 9.0:
        return True
    if not works:
        return False
    left, right = min(w.x_m - w.width_m / 2 for w in works), max(w.x_m + w.width_m / 2 for w in works)
    far = max(w.z_m + w.length_m for w in works)
    half = thing.width_m / 2
    return thing.z_m < far + 0.5 and thing.x_m + half > left - 0.2 and thing.x_m - half < right + 0.2


def _layers(canvas: Canvas, plan: ScenePlan) -> list[tuple[float, Callable[[], None]]]:
    """What to paint at which distance; flat things first among equals, buildings by their far end."""
    street, ahead = plan.street, plan.ahead_m
    snowy = street.weather == "snowy"
    lit = {"night": 0.38, "dusk": 0.25, "dawn": 0.15}.get(street.daytime, 0.0)
    layers: list[tuple[float, Callable[[], None]]] = []
    for house in street.buildings:
        layers.append((house.far_m - ahead, lambda house=house: draw_building(canvas, house, ahead, lit, snowy)))
    for plant in street.plants:
        layers.append((plant.z_m - ahead, lambda plant=plant: draw_plant(canvas, plant, ahead, street.season, snowy)))
    for side, z in lamp_places(street, ahead):
        layers.append((z, lambda side=side, z=z: draw_lamp(canvas, street, side, z)))
    for thing in (*plan.traffic, *plan.works):
        depth = thing.z_m + (thing.length_m + 0.6 if thing.kind in _FLAT else 0.0)
        layers.append((depth, lambda thing=thing: _DRAW[thing.kind](canvas, thing)))
    return layers
