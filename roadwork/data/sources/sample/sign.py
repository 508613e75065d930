"""Signs on posts: the ones of a works site, and ordinary ones that look a little like them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.palette import BLACK, SAFETY_ORANGE, SAFETY_RED, SAFETY_YELLOW, STEEL, WHITE, Colour
from roadwork.data.sources.sample.thing import Thing

Outline = Sequence[tuple[float, float]]


def draw_works_sign(canvas: Canvas, thing: Thing) -> None:
    """An orange diamond, (`look` 1) a triangle with a digging figure on yellow, or (`look` 2) a chevron board."""
    _post(canvas, thing)
    middle, radius = _plate_place(thing)
    if thing.look == 0:
        _plate(canvas, thing, _ring(4, middle, radius), BLACK)
        _plate(canvas, thing, _ring(4, middle, radius * 0.93), SAFETY_ORANGE)
        _digger(canvas, thing, middle, radius * 0.55)
    elif thing.look == 1:
        half = thing.width_m / 2
        back = [(-half, middle - radius), (half, middle - radius), (half, middle + radius), (-half, middle + radius)]
        _plate(canvas, thing, back, SAFETY_YELLOW)
        low = middle - 0.18 * radius
        _plate(canvas, thing, _ring(3, low, radius * 0.95), SAFETY_RED)
        _plate(canvas, thing, _ring(3, low, radius * 0.62), WHITE)
        _digger(canvas, thing, low - 0.05 * radius, radius * 0.36)
    else:
        _chevrons(canvas, thing, middle, radius)


def draw_warning_sign(canvas: Canvas, thing: Thing) -> None:
    """An ordinary red-rimmed triangle: `look` 0 point up with a mark, 1 point down (give way)."""
    _post(canvas, thing)
    middle, radius = _plate_place(thing)
    turn = 0.0 if thing.look == 0 else math.pi
    _plate(canvas, thing, _ring(3, middle, radius, turn), SAFETY_RED)
    _plate(canvas, thing, _ring(3, middle, radius * 0.62, turn), WHITE)
    if thing.look == 0:
        bar = radius * 0.07
        _plate(
            canvas,
            thing,
            [
                (-bar, middle - radius * 0.2),
                (bar, middle - radius * 0.2),
                (bar, middle + radius * 0.3),
                (-bar, middle + radius * 0.3),
            ],
            BLACK,
        )


def draw_round_sign(canvas: Canvas, thing: Thing) -> None:
    """A speed limit, a no-parking disc, or (`look` 2) a blue direction disc."""
    _post(canvas, thing)
    middle, radius = _plate_place(thing)
    outer, inner = ((SAFETY_RED, WHITE), (SAFETY_RED, (40, 70, 150)), ((36, 84, 170), (36, 84, 170)))[thing.look]
    _plate(canvas, thing, _ring(24, middle, radius), outer)
    _plate(canvas, thing, _ring(24, middle, radius * 0.74), inner)
    bar = radius * 0.16
    _plate(
        canvas,
        thing,
        [
            (-bar, middle - radius * 0.4),
            (bar, middle - radius * 0.4),
            (bar, middle + radius * 0.4),
            (-bar, middle + radius * 0.4),
        ],
        BLACK if thing.look == 0 else WHITE,
    )


def _plate_place(thing: Thing) -> tuple[float, float]:
    radius = thing.width_m / 2
    return thing.height_m - radius, radius


def _post(canvas: Canvas, thing: Thing) -> None:
    thing.plate(
        canvas, [(-0.035, 0.0), (0.035, 0.0), (0.035, thing.height_m * 0.9), (-0.035, thing.height_m * 0.9)], STEEL
    )


def _plate(canvas: Canvas, thing: Thing, outline: Outline, colour: Colour) -> None:
    thing.plate(canvas, outline, colour, glow=0.5)


def _ring(corners: int, middle: float, radius: float, turn: float = 0.0) -> Outline:
    angles = (turn + math.tau * k / corners for k in range(corners))
    return [(radius * math.sin(angle), middle + radius * math.cos(angle)) for angle in angles]


def _digger(canvas: Canvas, thing: Thing, middle: float, size: float) -> None:
    head = [(x - 0.2 * size, y) for x, y in _ring(10, middle + 0.62 * size, 0.17 * size)]
    _plate(canvas, thing, head, BLACK)
    limbs = (
        [(-0.30, 0.45), (-0.05, 0.45), (0.18, -0.05), (-0.05, -0.10)],
        [(-0.05, -0.05), (0.16, -0.05), (0.02, -0.8), (-0.2, -0.8)],
        [(0.1, 0.0), (0.25, -0.1), (0.5, -0.8), (0.32, -0.8)],
        [(-0.5, 0.25), (-0.42, 0.32), (0.75, -0.55), (0.68, -0.62)],
        [(0.45, -0.8), (0.98, -0.8), (0.72, -0.42)],
    )
    for limb in limbs:
        _plate(canvas, thing, [(x * size, middle + y * size) for x, y in limb], BLACK)


def _chevrons(canvas: Canvas, thing: Thing, middle: float, radius: float) -> None:
    low, high = middle - radius * 0.55, middle + radius * 0.55
    _plate(canvas, thing, [(-radius, low), (radius, low), (radius, high), (-radius, high)], SAFETY_ORANGE)
    for step in (-0.75, -0.2, 0.35):
        tip, back, wide = (step + 0.5) * radius, step * radius, 0.26 * radius
        _plate(
            canvas, thing, [(back, high), (back + wide, high), (min(radius, tip + wide), middle), (tip, middle)], BLACK
        )
        _plate(
            canvas, thing, [(tip, middle), (min(radius, tip + wide), middle), (back + wide, low), (back, low)], BLACK
        )
