"""An open trench: a cut in the asphalt, broken edges, and the heap of dirt beside it."""

from __future__ import annotations

import math

from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.palette import DIRT, mix, shade
from roadwork.data.sources.sample.thing import Thing


def draw_trench(canvas: Canvas, thing: Thing) -> None:
    """Dug ground over the whole footprint, a dark cut in it, and a heap along one side."""
    dice, half = Dice(thing.look), thing.width_m / 2
    rim = []
    for step in range(28):
        angle = math.tau * step / 28
        ragged = dice.between(0.84, 1.0)
        x = half * ragged * math.copysign(abs(math.cos(angle)) ** 0.5, math.cos(angle))
        z = thing.length_m / 2 * (1 + ragged * math.copysign(abs(math.sin(angle)) ** 0.5, math.sin(angle)))
        rim.append((x, 0.0, z))
    thing.face(canvas, rim, mix(DIRT, thing.colour, 0.35))
    side = dice.pick((-1, 1))
    cut = sorted((-side * 0.85 * half, -side * 0.05 * half))
    near, far = 0.12 * thing.length_m, 0.88 * thing.length_m
    thing.face(canvas, [(cut[0], 0, near), (cut[1], 0, near), (cut[1], 0, far), (cut[0], 0, far)], (46, 32, 24))
    lip = [(cut[0], 0, far), (cut[1], 0, far), (cut[1], 0, far * 0.9), (cut[0], 0, far * 0.9)]
    thing.face(canvas, lip, shade(DIRT, 0.62))
    _heap(canvas, thing, dice, side * 0.48 * half, 0.42 * half)


def _heap(canvas: Canvas, thing: Thing, dice: Dice, middle: float, reach: float) -> None:
    steps = 9
    for step in reversed(range(steps)):
        z = thing.length_m * (0.12 + 0.76 * step / (steps - 1))
        peak = thing.height_m * dice.between(0.62, 1.0) * (0.55 + 0.45 * math.sin(math.pi * (step + 0.5) / steps))
        ridge = [(middle - reach, 0.0, z)]
        ridge += [
            (middle + reach * x, peak * (1 - abs(x) ** 1.6) * dice.between(0.85, 1.0), z)
            for x in (-0.7, -0.4, -0.1, 0.15, 0.45, 0.75)
        ]
        ridge += [(middle + reach, 0.0, z)]
        thing.face(canvas, ridge, shade(DIRT, dice.between(0.72, 1.25)))
    for _ in range(26):
        x, z = middle + reach * dice.between(-0.8, 0.8), thing.length_m * dice.between(0.12, 0.7)
        y, size = dice.between(0.02, 0.35) * thing.height_m, dice.between(0.03, 0.09)
        clod = [(x - size, y, z), (x + size, y, z), (x + size * 0.5, y + size * 1.3, z), (x - size * 0.6, y + size, z)]
        thing.face(canvas, clod, shade(DIRT, dice.between(0.5, 1.5)))
