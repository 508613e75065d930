"""The ground: fields or pavement, the road with its markings, kerbs, repairs and manhole covers."""

from __future__ import annotations

import math

from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.palette import GRASS, SNOW, WHITE, Colour, mix, shade
from roadwork.data.sources.sample.street import LENGTH_M, Street

_FAR_M = 600.0
_PAVING: Colour = (158, 154, 148)


def draw_road(canvas: Canvas, street: Street, ahead_m: float) -> None:
    """Paint everything flat, from the horizon to the camera; markings move with `ahead_m`."""
    snowy, wet = street.weather == "snowy", street.weather == "rainy"
    grass = mix(GRASS[street.season], SNOW, 0.85) if snowy else GRASS[street.season]
    paving = mix(_PAVING, SNOW, 0.6) if snowy else _PAVING
    asphalt = mix(street.asphalt, SNOW, 0.28) if snowy else shade(street.asphalt, 0.7) if wet else street.asphalt
    beside = paving if street.scene in ("urban", "commercial") else grass
    for near, far in ((90.0, _FAR_M), (45.0, 90.0), (25.0, 45.0), (12.0, 25.0), (0.0, 12.0)):
        canvas.ground(-300.0, 300.0, near, far, beside)
    _fields(canvas, street, snowy)
    half, edge = street.half_m, street.half_m + street.pavement_m
    for near, far in ((60.0, _FAR_M), (25.0, 60.0), (10.0, 25.0), (0.0, 10.0)):
        for side in (-1, 1):
            inner, outer = sorted((side * half, side * edge))
            canvas.ground(inner, outer, near, far, paving)
        canvas.ground(-half, half, near, far, asphalt)
    if street.pavement_m:
        _slabs(canvas, street, ahead_m, shade(paving, 0.86))
        for side in (-1, 1):
            canvas.face(
                [(side * half, 0, 0), (side * half, 0, 120), (side * half, 0.12, 120), (side * half, 0.12, 0)],
                (178, 176, 170),
            )
            inner, outer = sorted((side * half, side * (half + 0.25)))
            canvas.ground(inner, outer, 0.0, 120.0, (182, 180, 174) if not snowy else SNOW)
    _wear(canvas, street, ahead_m, asphalt, wet)
    _markings(canvas, street, ahead_m, mix(WHITE, asphalt, 0.55 if snowy else 0.2))


def _strip(canvas: Canvas, middle_m: float, width_m: float, colour: Colour, alpha: int = 255) -> None:
    """A long line along the road, in parts, so that the air takes each by its own distance."""
    for near, far in ((75.0, 200.0), (35.0, 75.0), (14.0, 35.0), (0.0, 14.0)):
        canvas.ground(middle_m - width_m / 2, middle_m + width_m / 2, near, far, colour, alpha)


def _fields(canvas: Canvas, street: Street, snowy: bool) -> None:
    if street.scene not in ("rural", "highway"):
        return
    dice = Dice(street.seed)
    crops = ((176, 160, 84), (112, 140, 62), (146, 118, 78), (126, 150, 80))
    for side in (-1, 1):
        z = 320.0
        while z > 14.0:
            near = z * dice.between(0.45, 0.75)
            inner, outer = sorted((side * (street.half_m + 9.0), side * 300.0))
            crop = dice.pick(crops)
            canvas.ground(inner, outer, near, z, mix(crop, SNOW, 0.85) if snowy else crop)
            z = near


def _slabs(canvas: Canvas, street: Street, ahead_m: float, joint: Colour) -> None:
    step = 1.5
    for k in range(int(ahead_m / step) + 1, int((ahead_m + 32.0) / step)):
        z = k * step - ahead_m
        for side in (-1, 1):
            inner, outer = sorted((side * street.half_m, side * (street.half_m + street.pavement_m)))
            canvas.ground(inner, outer, z, z + 0.035, joint)


def _wear(canvas: Canvas, street: Street, ahead_m: float, asphalt: Colour, wet: bool) -> None:
    dice, half = Dice(street.seed + 1), street.half_m
    for lane in range(street.lanes):
        middle = -half + (lane + 0.5) * 2 * half / street.lanes
        for track in (-0.75, 0.75):
            _strip(canvas, middle + track, 0.56, shade(asphalt, 0.84), alpha=70)
    for _ in range(9):
        x, z, wide, long = (
            dice.between(-half, half - 1.5),
            dice.between(0.0, 70.0),
            dice.between(0.6, 2.2),
            dice.between(1, 7),
        )
        tone = dice.between(0.8, 1.1)
        canvas.ground(
            x, min(half, x + wide), z - ahead_m % 30, z - ahead_m % 30 + long, shade(asphalt, tone), alpha=150
        )
    for _ in range(4):
        x, z = dice.between(-half * 0.8, half * 0.8), dice.between(4.0, 60.0) - ahead_m % 20
        for radius, tone in ((0.36, 0.62), (0.29, 0.82)):
            ring = [
                (x + radius * math.cos(math.tau * k / 16), 0.0, z + radius * math.sin(math.tau * k / 16))
                for k in range(16)
            ]
            canvas.face(ring, shade(asphalt, tone))
    if wet:
        for _ in range(10):
            x, z, size = dice.between(-half, half), dice.between(2.5, 50.0), dice.between(0.3, 1.3)
            rim = [
                (x + size * math.cos(math.tau * k / 18), 0.0, z + 1.6 * size * math.sin(math.tau * k / 18))
                for k in range(18)
            ]
            canvas.face(rim, canvas.light.air, glow=0.8, alpha=95)


def _markings(canvas: Canvas, street: Street, ahead_m: float, paint: Colour) -> None:
    half, width = street.half_m, 0.14
    borders = [-half + k * 2 * half / street.lanes for k in range(1, street.lanes)]
    dash, period = (6.0, 14.0) if street.scene == "highway" else (3.0, 8.0)
    for x in borders:
        if street.lanes == 4 and abs(x) < 0.1:
            for shift in (-0.14, 0.14):
                _strip(canvas, x + shift, width, paint)
            continue
        first = int(ahead_m // period)
        for k in range(first, first + int(LENGTH_M / period)):
            z = k * period - ahead_m
            canvas.ground(x - width / 2, x + width / 2, z, z + dash, paint)
    if street.scene in ("rural", "highway"):
        for side in (-1, 1):
            x = side * (half - 0.35)
            _strip(canvas, x, width, paint)
    elif Dice(street.seed + 2).chance(0.3):
        z = 34.0 - ahead_m % 18
        stripes = int(2 * half / 1.0)
        for k in range(stripes):
            canvas.ground(-half + k + 0.25, -half + k + 0.75, z, z + 3.0, paint)
