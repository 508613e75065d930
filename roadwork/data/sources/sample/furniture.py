"""What stands beside a road: street lamps, guard rails, noise walls, fences, hydrants, bins and post boxes."""

from __future__ import annotations

from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.palette import LAMPLIGHT, STEEL, shade
from roadwork.data.sources.sample.street import Street
from roadwork.data.sources.sample.thing import Thing


def lamp_places(street: Street, ahead_m: float) -> list[tuple[int, float]]:
    """Side and distance in metres of every street lamp in sight."""
    every = street.lamp_every_m
    if not every:
        return []
    first = int(ahead_m // every) + 1
    return [(1 if k % 2 else -1, k * every - ahead_m) for k in range(first, first + int(100 / every))]


def draw_lamp(canvas: Canvas, street: Street, side: int, z_m: float) -> None:
    """A mast with an arm over the road; it shines at night and at dusk."""
    x, high, arm = side * (street.half_m + 0.5), 7.5, side * (street.half_m - 1.2)
    if z_m < 1.0:
        return
    canvas.upright(x - 0.07, x + 0.07, 0.0, high, z_m, (98, 102, 106))
    left, right = sorted((x, arm))
    canvas.upright(left, right, high - 0.08, high + 0.04, z_m, (98, 102, 106))
    on = street.daytime in ("night", "dusk")
    left, right = sorted((arm, arm + side * 0.7))
    canvas.upright(left, right, high - 0.2, high - 0.05, z_m, LAMPLIGHT if on else (206, 206, 200), 1.0 if on else 0.0)
    if on:
        canvas.shine(arm, high - 0.15, z_m, 2.4 if street.daytime == "night" else 1.2, LAMPLIGHT)


def draw_roadside(canvas: Canvas, street: Street) -> None:
    """Guard rails and noise walls of a highway, the fences of an industrial street."""
    edge = street.half_m + street.pavement_m + 0.6
    if street.scene == "highway":
        for side in (-1, 1):
            if street.walled:
                _panels(canvas, side * (edge + 2.5), 3.6, (122, 136, 118))
            x = side * edge
            for near, far in ((40.0, 160.0), (15.0, 40.0), (0.0, 15.0)):
                canvas.face([(x, 0.45, near), (x, 0.45, far), (x, 0.8, far), (x, 0.8, near)], (168, 172, 176))
                canvas.face([(x, 0.6, near), (x, 0.6, far), (x, 0.65, far), (x, 0.65, near)], (120, 124, 130))
            for k in range(18):
                z = 2.0 + 4.0 * k
                canvas.upright(x - 0.05, x + 0.05, 0.0, 0.5, z, STEEL)
    elif street.scene == "industrial":
        for side in (-1, 1):
            for k in range(40, 0, -1):
                z = 1.2 + 2.5 * k
                canvas.upright(side * edge - 0.03, side * edge + 0.03, 0.0, 1.7, z, (110, 114, 116))
            for height in (0.3, 0.65, 1.0, 1.35, 1.7):
                x = side * edge
                canvas.face(
                    [(x, height, 0), (x, height, 100), (x, height + 0.03, 100), (x, height + 0.03, 0)], (120, 124, 126)
                )


def _panels(canvas: Canvas, x: float, high: float, colour: tuple[int, int, int]) -> None:
    for k in range(34, -1, -1):
        z = 4.0 * k
        canvas.face([(x, 0, z), (x, 0, z + 4), (x, high, z + 4), (x, high, z)], shade(colour, 1.0 if k % 2 else 0.93))
        canvas.face([(x, 0, z), (x, 0, z + 0.2), (x, high, z + 0.2), (x, high, z)], shade(colour, 0.75))


def draw_fixture(canvas: Canvas, thing: Thing) -> None:
    """A post box, a bin or a hydrant: a coloured block with a lid."""
    half, high = thing.width_m / 2, thing.height_m
    canvas.shadow(thing.x_m, thing.z_m, thing.width_m, thing.length_m)
    thing.block(canvas, (-half, half), (0.0, 0.85 * high), (0.0, thing.length_m), thing.colour)
    thing.block(canvas, (-half, half), (0.85 * high, high), (0.0, thing.length_m), shade(thing.colour, 0.75))
    slot = [
        (-half * 0.6, 0.62 * high),
        (half * 0.6, 0.62 * high),
        (half * 0.6, 0.67 * high),
        (-half * 0.6, 0.67 * high),
    ]
    thing.plate(canvas, slot, (30, 30, 32))
