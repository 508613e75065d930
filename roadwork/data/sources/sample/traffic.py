"""What any street has, works or not: cars, taxis, walkers, signs, post boxes; some of it orange, red and yellow."""

from __future__ import annotations

from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.palette import CARS, COATS, TAXI
from roadwork.data.sources.sample.street import Street
from roadwork.data.sources.sample.thing import Thing

_SIZES_M = ((1.8, 1.45, 4.3), (1.82, 1.5, 4.5), (2.0, 2.1, 5.2))


def plan_traffic(dice: Dice, street: Street) -> list[Thing]:
    """The ordinary things of one image, by the same law whatever its label."""
    return [*_parked(dice, street), *_moving(dice, street), *_walkers(dice, street), *_roadside(dice, street)]


def _car(dice: Dice, x_m: float, z_m: float, taxis: float) -> Thing:
    look = dice.weighted({0: 0.5, 1: 0.34, 2: 0.16})
    taxi = look < 2 and dice.chance(taxis)
    width, height, length = _SIZES_M[look]
    return Thing("car", x_m, z_m, width, height, length, TAXI if taxi else dice.weighted(CARS), look)


def _parked(dice: Dice, street: Street) -> list[Thing]:
    density = {"urban": 0.5, "commercial": 0.45, "residential": 0.4, "industrial": 0.25}.get(street.scene, 0.0)
    cars = []
    for side in (-1, 1):
        z = dice.between(3.0, 9.0)
        while z < 75.0:
            if dice.chance(density):
                cars.append(_car(dice, side * (street.half_m - 0.25 + dice.between(-0.1, 0.3)), z, 0.07))
            z += dice.between(5.8, 8.0)
    return cars


def _moving(dice: Dice, street: Street) -> list[Thing]:
    cars = []
    for lane in range(street.lanes):
        if dice.chance(0.5):
            middle = -street.half_m + (lane + 0.5) * 2 * street.half_m / street.lanes
            cars.append(_car(dice, middle + dice.between(-0.3, 0.3), dice.between(11.0, 60.0), 0.12))
    return cars


def _walkers(dice: Dice, street: Street) -> list[Thing]:
    if street.pavement_m == 0.0:
        return []
    people = []
    for _ in range(dice.count(0, {"urban": 6, "commercial": 6}.get(street.scene, 2))):
        x = dice.pick((-1, 1)) * (street.half_m + dice.between(0.6, street.pavement_m))
        people.append(
            Thing(
                "walker",
                x,
                dice.between(6.0, 40.0),
                0.62,
                dice.between(1.55, 1.88),
                0.4,
                dice.pick(COATS),
                dice.count(0, 5),
            )
        )
    return people


def _roadside(dice: Dice, street: Street) -> list[Thing]:
    edge = street.half_m + (0.5 if street.pavement_m else 0.9)
    things = []
    if dice.chance(0.5):
        look, side = dice.count(0, 1), dice.pick((-1, 1, 1))
        things.append(Thing("warning_sign", side * edge, dice.between(7.0, 26.0), 0.9, 2.7, 0.1, COATS[0], look))
    if dice.chance(0.45):
        side = dice.pick((-1, 1, 1))
        things.append(
            Thing("round_sign", side * edge, dice.between(7.0, 30.0), 0.62, 2.6, 0.1, COATS[0], dice.count(0, 2))
        )
    for _ in range(dice.count(0, 2) if street.pavement_m else 0):
        x = dice.pick((-1, 1)) * (edge + dice.between(0.3, 1.4))
        colour = dice.pick(((196, 30, 34), (246, 190, 20), (60, 84, 66), (70, 74, 80), (44, 74, 130)))
        things.append(Thing("fixture", x, dice.between(5.0, 28.0), 0.55, dice.between(0.9, 1.35), 0.45, colour))
    return things
