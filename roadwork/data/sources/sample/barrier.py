"""Striped barriers across a lane or along a trench."""

from __future__ import annotations

from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.palette import SAFETY_RED, SAFETY_YELLOW, STEEL, WHITE, shade
from roadwork.data.sources.sample.thing import Thing


def draw_barrier(canvas: Canvas, thing: Thing) -> None:
    """A red and white board on legs; `look` 1 has two boards and warning lamps, `look` 2 is a plastic wall."""
    canvas.shadow(thing.x_m, thing.z_m, thing.width_m, thing.length_m)
    half, high = thing.width_m / 2, thing.height_m
    if thing.look == 2:
        _draw_wall(canvas, thing)
        return
    for x in (-0.82 * half, 0.82 * half):
        thing.block(canvas, (x - 0.04, x + 0.04), (0.0, 0.9 * high), (0.0, 0.1), STEEL)
        thing.block(canvas, (x - 0.18, x + 0.18), (0.0, 0.07), (0.0, thing.length_m), (58, 58, 60))
    boards = ((0.62, 0.9), (0.24, 0.46)) if thing.look == 1 else ((0.5, 0.9),)
    for bottom, top in boards:
        _stripe(canvas, thing, bottom * high, top * high)
    if thing.look == 1:
        for x in (-0.8 * half, 0.8 * half):
            thing.plate(
                canvas,
                [(x - 0.07, 0.9 * high), (x + 0.07, 0.9 * high), (x + 0.05, high), (x - 0.05, high)],
                SAFETY_YELLOW,
                glow=0.9,
            )
            canvas.shine(thing.x_m + x, 0.95 * high, thing.z_m, 0.35, SAFETY_YELLOW)


def _stripe(canvas: Canvas, thing: Thing, bottom: float, top: float) -> None:
    half, slant = thing.width_m / 2, (top - bottom) * 0.7
    thing.plate(canvas, [(-half, bottom), (half, bottom), (half, top), (-half, top)], WHITE, 0.45)
    width = 0.24
    x = -half - slant
    while x < half:
        corners = ((x, bottom), (x + width, bottom), (x + width + slant, top), (x + slant, top))
        inside = [(min(half, max(-half, u)), v) for u, v in corners]
        thing.plate(canvas, inside, SAFETY_RED, 0.45)
        x += 2 * width


def _draw_wall(canvas: Canvas, thing: Thing) -> None:
    half, high, parts = thing.width_m / 2, thing.height_m, 3
    for part in range(parts):
        left = -half + thing.width_m * part / parts
        right = left + thing.width_m / parts
        colour = WHITE if part % 2 else SAFETY_RED
        thing.block(canvas, (left, right), (0.0, 0.3 * high), (0.0, thing.length_m), shade(colour, 0.92), 0.15)
        thing.block(canvas, (left + 0.02, right - 0.02), (0.3 * high, high), (0.1, thing.length_m - 0.1), colour, 0.15)
        thing.plate(
            canvas,
            [
                (left + 0.12, 0.5 * high),
                (right - 0.12, 0.5 * high),
                (right - 0.12, 0.62 * high),
                (left + 0.12, 0.62 * high),
            ],
            shade(colour, 0.72),
        )
