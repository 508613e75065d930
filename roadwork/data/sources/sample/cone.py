"""Traffic cones and delineator posts."""

from __future__ import annotations

from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.palette import SAFETY_ORANGE, SAFETY_RED, WHITE, shade
from roadwork.data.sources.sample.thing import Thing


def draw_cone(canvas: Canvas, thing: Thing) -> None:
    """An orange cone with two white collars, or (`look` 2) a red and white delineator post."""
    canvas.shadow(thing.x_m, thing.z_m, thing.width_m, thing.length_m)
    if thing.look == 2:
        _draw_post(canvas, thing)
        return
    half, high = thing.width_m / 2, thing.height_m
    thing.block(canvas, (-half, half), (0.0, 0.06 * high), (0.0, thing.length_m), shade(SAFETY_ORANGE, 0.75), glow=0.2)

    def ring(bottom: float, top: float, colour: tuple[int, int, int]) -> None:
        low, up = (half * 0.72 * (1 - share) + 0.03 for share in (bottom, top))
        thing.plate(
            canvas, [(-low, bottom * high), (low, bottom * high), (up, top * high), (-up, top * high)], colour, 0.45
        )
        edge = [(low * 0.35, bottom * high), (low, bottom * high), (up, top * high), (up * 0.35, top * high)]
        thing.plate(canvas, edge, shade(colour, 0.8), 0.4)

    for bottom, top, colour in (
        (0.05, 0.30, SAFETY_ORANGE),
        (0.30, 0.47, WHITE),
        (0.47, 0.64, SAFETY_ORANGE),
        (0.64, 0.80, WHITE),
        (0.80, 1.00, SAFETY_ORANGE),
    ):
        ring(bottom, top, colour)


def _draw_post(canvas: Canvas, thing: Thing) -> None:
    half, high = thing.width_m / 2, thing.height_m
    thing.block(canvas, (-half, half), (0.0, 0.08 * high), (0.0, thing.length_m), (52, 52, 54))
    stripes = 5
    for stripe in range(stripes):
        low = high * (0.08 + 0.92 * stripe / stripes)
        top = high * (0.08 + 0.92 * (stripe + 1) / stripes)
        colour = WHITE if stripe % 2 else SAFETY_RED
        outline = [(-half * 0.6, low), (half * 0.6, low), (half * 0.6, top), (-half * 0.6, top)]
        thing.plate(canvas, outline, colour, 0.45)
