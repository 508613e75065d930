"""People: walkers in ordinary coats, and workers in high-visibility vests."""

from __future__ import annotations

import math

from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.palette import HI_VIS_LIME, SAFETY_ORANGE, SAFETY_YELLOW, SKIN, WHITE, Colour, shade
from roadwork.data.sources.sample.thing import Thing


def draw_walker(canvas: Canvas, thing: Thing) -> None:
    """Someone in a coat of the thing's colour."""
    _draw_body(canvas, thing, thing.colour, (52, 54, 66))
    _draw_head(canvas, thing, (60, 44, 34))


def draw_worker(canvas: Canvas, thing: Thing) -> None:
    """Someone in a lime or orange vest with reflecting bands, a helmet, and a shovel."""
    high = thing.height_m
    vest = HI_VIS_LIME if thing.look % 2 else SAFETY_ORANGE
    shovel = thing.width_m * 0.42
    thing.plate(
        canvas,
        [(shovel - 0.025, 0.1), (shovel + 0.025, 0.1), (shovel + 0.025, 1.25), (shovel - 0.025, 1.25)],
        (150, 110, 70),
    )
    thing.plate(
        canvas, [(shovel - 0.1, 0.0), (shovel + 0.07, 0.0), (shovel + 0.07, 0.3), (shovel - 0.1, 0.3)], (90, 94, 98)
    )
    _draw_body(canvas, thing, vest, vest if thing.look >= 2 else (48, 58, 92), glow=0.4)
    for bottom, top in ((0.52, 0.555), (0.63, 0.665)):
        reach = 0.2 * high * 0.62
        band = [(-reach, bottom * high), (reach, bottom * high), (reach, top * high), (-reach, top * high)]
        thing.plate(canvas, band, WHITE, 0.7)
    _draw_head(canvas, thing, SAFETY_YELLOW if thing.look % 2 else WHITE)


def _draw_body(canvas: Canvas, thing: Thing, top: Colour, legs: Colour, glow: float = 0.0) -> None:
    canvas.shadow(thing.x_m, thing.z_m, thing.width_m, thing.length_m)
    high, stride = thing.height_m, 0.035 * thing.height_m * (1 + thing.look % 3)
    for side in (-1, 1):
        foot = side * stride
        leg = [
            (foot - 0.045 * high, 0.0),
            (foot + 0.045 * high, 0.0),
            (side * 0.03 * high + 0.05 * high, 0.5 * high),
            (side * 0.03 * high - 0.05 * high, 0.5 * high),
        ]
        thing.plate(canvas, leg, shade(legs, 1.0 if side > 0 else 0.85), glow * 0.5)
        arm = [
            (side * 0.11 * high, 0.8 * high),
            (side * 0.15 * high, 0.76 * high),
            (side * 0.17 * high, 0.5 * high),
            (side * 0.13 * high, 0.5 * high),
        ]
        thing.plate(canvas, arm, shade(top, 0.85), glow)
    trunk = [(-0.11, 0.46), (0.11, 0.46), (0.13, 0.78), (0.09, 0.83), (-0.09, 0.83), (-0.13, 0.78)]
    thing.plate(canvas, [(x * high, y * high) for x, y in trunk], top, glow)
    thing.plate(
        canvas,
        [(x * high, y * high) for x, y in ((0.05, 0.46), (0.11, 0.46), (0.13, 0.78), (0.06, 0.83))],
        shade(top, 0.88),
        glow,
    )


def _draw_head(canvas: Canvas, thing: Thing, cap: Colour) -> None:
    high, middle = thing.height_m, 0.915 * thing.height_m
    canvas.disc(thing.x_m, middle - 0.015 * high, thing.z_m, 0.055 * high, SKIN[thing.look % len(SKIN)])
    dome = [
        (0.068 * high * math.cos(math.pi * k / 10), middle + 0.068 * high * math.sin(math.pi * k / 10))
        for k in range(11)
    ]
    thing.plate(canvas, dome, cap, 0.2)
