"""The plan of a street, decided before anything is drawn and shared by the images of a sequence."""

from __future__ import annotations

from dataclasses import dataclass

from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.palette import AWNINGS, ROOFS, SHOP_SIGNS, WALLS, Colour

SCENES = {
    "urban": 0.27,
    "residential": 0.22,
    "commercial": 0.15,
    "rural": 0.14,
    "highway": 0.12,
    "industrial": 0.10,
}
WEATHERS = {
    "sunny": 0.27,
    "clear": 0.13,
    "cloudy": 0.2,
    "overcast": 0.14,
    "rainy": 0.12,
    "foggy": 0.06,
    "snowy": 0.08,
}
DAYTIMES = {"day": 0.74, "dusk": 0.09, "dawn": 0.07, "night": 0.10}
LENGTH_M = 130.0


@dataclass(frozen=True)
class Building:
    """One house along the road; `side` is -1 left, 1 right, `front_m` the wall's distance from the road's middle."""

    side: int
    front_m: float
    near_m: float
    far_m: float
    depth_m: float
    height_m: float
    wall: Colour
    roof: Colour
    pitch_m: float
    shop: Colour | None
    awning: tuple[Colour, Colour] | None
    seed: int


@dataclass(frozen=True)
class Plant:
    """A tree or (`trunk_m` 0) a bush."""

    x_m: float
    z_m: float
    crown_m: float
    trunk_m: float
    seed: int


@dataclass(frozen=True)
class Street:
    """Everything that stays the same while one drives along."""

    scene: str
    weather: str
    daytime: str
    season: str
    lanes: int
    half_m: float
    pavement_m: float
    buildings: tuple[Building, ...]
    plants: tuple[Plant, ...]
    lamp_every_m: float
    walled: bool
    asphalt: Colour
    seed: int


def plan_street(seed: int) -> Street:
    """The street of one sequence: a pure function of `seed`."""
    dice = Dice(seed)
    scene, daytime, weather = dice.weighted(SCENES), dice.weighted(DAYTIMES), dice.weighted(WEATHERS)
    if weather == "sunny" and daytime == "night":
        weather = "clear"
    season = "winter" if weather == "snowy" else dice.weighted({"summer": 0.6, "autumn": 0.33, "winter": 0.07})
    lanes = 3 if scene == "highway" else dice.weighted({2: 0.75, 4: 0.25}) if scene in ("urban", "commercial") else 2
    half_m = lanes * (3.6 if scene == "highway" else 3.1) / 2 + (1.0 if scene == "highway" else dice.between(0.2, 1.4))
    pavement_m = {"highway": 0.0, "rural": 0.0}.get(scene, dice.between(1.8, 3.4))
    grey = dice.count(84, 122)
    return Street(
        scene=scene,
        weather=weather,
        daytime=daytime,
        season=season,
        lanes=lanes,
        half_m=half_m,
        pavement_m=pavement_m,
        buildings=tuple(_buildings(dice, scene, half_m + pavement_m)),
        plants=tuple(_plants(dice, scene, half_m + pavement_m)),
        lamp_every_m={"rural": 0.0, "highway": 42.0}.get(scene, 26.0),
        walled=scene == "highway" and dice.chance(0.5),
        asphalt=(grey, grey, grey + 4),
        seed=dice.seed(),
    )


def _buildings(dice: Dice, scene: str, edge_m: float) -> list[Building]:
    if scene == "highway":
        return []
    low, high = {
        "urban": (10, 22),
        "commercial": (6, 13),
        "residential": (4.6, 6.4),
        "industrial": (6, 10),
        "rural": (4.4, 5.4),
    }[scene]
    wide = {"urban": (9, 17), "commercial": (9, 18), "residential": (8, 12), "industrial": (18, 34), "rural": (9, 16)}[
        scene
    ]
    gap = {"urban": 0.12, "commercial": 0.3, "residential": 1.0, "industrial": 1.0, "rural": 1.0}[scene]
    setback = {"residential": (2.5, 6.0), "industrial": (3.0, 9.0), "rural": (7.0, 22.0)}.get(scene, (0.0, 0.3))
    houses = []
    for side in (-1, 1):
        z = dice.between(-14.0, -4.0)
        while z < LENGTH_M:
            width = dice.between(*wide)
            stands = dice.chance({"rural": 0.16, "industrial": 0.85}.get(scene, 0.96))
            shop = dice.chance({"urban": 0.5, "commercial": 0.92}.get(scene, 0.0))
            awning = dice.pick(AWNINGS) if shop and dice.chance(0.55) else None
            house = Building(
                side=side,
                front_m=edge_m + dice.between(*setback),
                near_m=z,
                far_m=z + width,
                depth_m=dice.between(8.0, 14.0),
                height_m=dice.between(low, high),
                wall=dice.pick(WALLS[scene]),
                roof=dice.pick(ROOFS),
                pitch_m=dice.between(2.2, 4.2) if scene in ("residential", "rural") else 0.0,
                shop=dice.pick(SHOP_SIGNS) if shop else None,
                awning=awning,
                seed=dice.seed(),
            )
            if stands:
                houses.append(house)
            z += width + (dice.between(2.5, 9.0) if dice.chance(gap) else 0.0)
    return houses


def _plants(dice: Dice, scene: str, edge_m: float) -> list[Plant]:
    spacing = {"urban": 17.0, "commercial": 26.0, "residential": 9.0, "industrial": 24.0, "rural": 9.0, "highway": 10.0}
    keep = dice.between(0.35, 1.0)
    plants = []
    for side in (-1, 1):
        z = dice.between(2.0, 10.0)
        while z < LENGTH_M:
            if dice.chance(keep):
                bush = scene in ("residential", "rural", "highway") and dice.chance(0.4)
                out = {"rural": (1.5, 14.0), "highway": (4.0, 18.0), "residential": (0.6, 2.2)}.get(scene, (-0.8, -0.4))
                crown = dice.between(0.5, 0.9) if bush else dice.between(1.2, 2.6)
                trunk = 0.0 if bush else dice.between(2.0, 3.4)
                plants.append(Plant(side * (edge_m + dice.between(*out)), z, crown, trunk, dice.seed()))
            z += dice.between(0.5, 1.5) * spacing[scene]
    return plants
