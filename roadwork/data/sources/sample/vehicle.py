"""Cars, taxis and vans, and the yellow trucks and excavators of a works site."""

from __future__ import annotations

from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.palette import BLACK, GLASS, SAFETY_RED, SAFETY_YELLOW, STEEL, TAXI, WHITE, shade
from roadwork.data.sources.sample.thing import Thing

_TAIL = (196, 24, 28)


def draw_car(canvas: Canvas, thing: Thing) -> None:
    """A saloon, an estate (`look` 1) or a van (`look` 2) seen from behind; a taxi-coloured one carries a roof sign."""
    half, high, long = thing.width_m / 2, thing.height_m, thing.length_m
    canvas.shadow(thing.x_m, thing.z_m, thing.width_m, long)
    _wheels(canvas, thing, 0.32, (0.18, 0.8))
    roof = high * (0.96 if thing.colour == TAXI else 1.0)
    belt = (0.56, 0.56, 0.48)[thing.look] * high
    cabin_end = (0.66, 0.88, 0.9)[thing.look] * long
    slope = (0.75, 0.3, 0.08)[thing.look]
    body, top = thing.colour, half * (0.78, 0.8, 0.93)[thing.look]
    thing.block(canvas, (-half, half), (0.16 * high, belt), (0.0, long), body)
    start, near_roof = 0.05 * long, 0.05 * long + slope
    side = -1 if thing.x_m > canvas.camera.x_m else 1
    flank = [
        (side * half, belt, start),
        (side * half, belt, cabin_end),
        (side * top, roof, cabin_end - slope),
        (side * top, roof, near_roof),
    ]
    thing.face(canvas, flank, shade(body, 0.8))
    inset = [
        (side * half * 0.99, belt + 0.06, start + 0.35),
        (side * half * 0.99, belt + 0.06, cabin_end - 0.3),
        (side * top, roof - 0.08, cabin_end - slope - 0.15),
        (side * top, roof - 0.08, near_roof + 0.2),
    ]
    thing.face(canvas, inset, GLASS)
    back = [(-half * 0.97, belt, start), (half * 0.97, belt, start), (top, roof, near_roof), (-top, roof, near_roof)]
    thing.face(canvas, back, body)
    if thing.look == 2:
        thing.face(
            canvas, [(-0.02, belt - 0.3, 0), (0.02, belt - 0.3, 0), (0.02, roof, 0), (-0.02, roof, 0)], shade(body, 0.7)
        )
    pane = 0.86 if thing.look < 2 else 0.7
    low, up = belt + 0.15 * (roof - belt), roof - 0.12 * (roof - belt)
    thing.face(
        canvas,
        [
            (-half * pane, low, start),
            (half * pane, low, start),
            (top * pane, up, near_roof),
            (-top * pane, up, near_roof),
        ],
        GLASS,
    )
    thing.plate(
        canvas, [(-half, 0.16 * high), (half, 0.16 * high), (half, 0.27 * high), (-half, 0.27 * high)], shade(body, 0.6)
    )
    thing.plate(
        canvas, [(-0.26, 0.3 * high), (0.26, 0.3 * high), (0.26, 0.37 * high), (-0.26, 0.37 * high)], WHITE, 0.2
    )
    for x in (-half, half):
        inner = x * 0.72
        lamp = [(x, belt * 0.72), (inner, belt * 0.72), (inner, belt * 0.92), (x, belt * 0.92)]
        thing.plate(canvas, lamp, _TAIL, glow=0.7)
        if canvas.light.dark:
            canvas.shine(thing.x_m + 0.86 * x, 0.8 * belt, thing.z_m, 0.15, (255, 50, 30))
    if thing.colour == TAXI:
        thing.block(canvas, (-0.25, 0.25), (roof, high), (near_roof + 0.4, near_roof + 0.6), WHITE, glow=0.7)


def draw_works_vehicle(canvas: Canvas, thing: Thing) -> None:
    """A yellow works truck with a chevron tailboard and a beacon, or (`look` 1) an excavator."""
    canvas.shadow(thing.x_m, thing.z_m, thing.width_m, thing.length_m)
    if thing.look == 1:
        _draw_excavator(canvas, thing)
        return
    half, high, long = thing.width_m / 2, thing.height_m, thing.length_m
    _wheels(canvas, thing, 0.45, (0.2, 0.82))
    thing.block(canvas, (-half * 0.92, half * 0.92), (0.3 * high, 0.9 * high), (0.72 * long, long), SAFETY_YELLOW)
    thing.block(canvas, (-half * 0.96, half * 0.96), (0.2 * high, 0.32 * high), (0.0, long), (60, 62, 64))
    thing.block(canvas, (-half, half), (0.3 * high, 0.66 * high), (0.0, 0.7 * long), SAFETY_YELLOW, 0.1)
    width, slant, low, up = thing.width_m / 8, 0.36 * high * 0.6, 0.31 * high, 0.65 * high
    for stripe in range(-2, 8, 2):
        x = -half + stripe * width
        corners = ((x, low), (x + width, low), (x + width + slant, up), (x + slant, up))
        thing.plate(canvas, [(min(half, max(-half, u)), v) for u, v in corners], SAFETY_RED, 0.45)
    pane = [
        (-half * 0.75, 0.68 * high, 0.72 * long),
        (half * 0.75, 0.68 * high, 0.72 * long),
        (half * 0.75, 0.86 * high, 0.72 * long),
        (-half * 0.75, 0.86 * high, 0.72 * long),
    ]
    thing.face(canvas, pane, GLASS)
    for x in (-half * 0.9, half * 0.9):
        lamp = [(x - 0.1, 0.22 * high), (x + 0.1, 0.22 * high), (x + 0.1, 0.3 * high), (x - 0.1, 0.3 * high)]
        thing.plate(canvas, lamp, _TAIL, 0.7)
    for x in (-half * 0.6, half * 0.6):
        _beacon(canvas, thing, x, 0.9 * high, 0.76 * long)


def _draw_excavator(canvas: Canvas, thing: Thing) -> None:
    half, high, long = thing.width_m / 2, thing.height_m, thing.length_m
    side = -1 if thing.x_m > canvas.camera.x_m else 1
    for x in (-half * 0.85, half * 0.55):
        thing.block(canvas, (x, x + half * 0.3), (0.0, 0.24 * high), (0.0, long * 0.8), (44, 44, 46))
    boom = [
        (side * half * 0.1, 0.5 * high),
        (side * half * 0.35, 0.55 * high),
        (side * half * 0.78, 0.98 * high),
        (side * half * 0.55, 1.0 * high),
    ]
    arm = [
        (side * half * 0.62, 0.98 * high),
        (side * half * 0.84, 0.94 * high),
        (side * half * 0.98, 0.34 * high),
        (side * half * 0.86, 0.34 * high),
    ]
    thing.face(canvas, [(x, y, 0.7 * long) for x, y in boom], shade(SAFETY_YELLOW, 0.9), 0.1)
    thing.face(canvas, [(x, y, 0.7 * long) for x, y in arm], SAFETY_YELLOW, 0.1)
    bucket = [
        (side * half * 0.78, 0.36 * high),
        (side * half, 0.36 * high),
        (side * half, 0.2 * high),
        (side * half * 0.7, 0.16 * high),
    ]
    thing.face(canvas, [(x, y, 0.7 * long) for x, y in bucket], STEEL)
    thing.block(
        canvas, (-half * 0.8, half * 0.8), (0.26 * high, 0.5 * high), (0.05 * long, 0.75 * long), SAFETY_YELLOW, 0.1
    )
    thing.block(
        canvas, (-half * 0.45, half * 0.45), (0.5 * high, 0.86 * high), (0.3 * long, 0.65 * long), SAFETY_YELLOW
    )
    z = 0.3 * long
    pane = [
        (-half * 0.36, 0.54 * high, z),
        (half * 0.36, 0.54 * high, z),
        (half * 0.36, 0.8 * high, z),
        (-half * 0.36, 0.8 * high, z),
    ]
    thing.face(canvas, pane, GLASS)
    thing.plate(
        canvas,
        [(-half * 0.7, 0.3 * high), (half * 0.7, 0.3 * high), (half * 0.7, 0.36 * high), (-half * 0.7, 0.36 * high)],
        BLACK,
    )
    _beacon(canvas, thing, 0.0, 0.86 * high, 0.4 * long)


def _beacon(canvas: Canvas, thing: Thing, x: float, y: float, z: float) -> None:
    top = min(thing.height_m, y + 0.22)
    thing.face(canvas, [(x - 0.1, y, z), (x + 0.1, y, z), (x + 0.08, top, z), (x - 0.08, top, z)], (255, 150, 10), 1.0)
    canvas.shine(thing.x_m + x, (y + top) / 2, thing.z_m + z, 0.9, (255, 150, 20))


def _wheels(canvas: Canvas, thing: Thing, radius_m: float, places: tuple[float, float]) -> None:
    half = thing.width_m / 2
    side = -1 if thing.x_m > canvas.camera.x_m else 1
    for place in places:
        canvas.wheel(thing.x_m + side * half, thing.z_m + place * thing.length_m, radius_m)
    for x in (-half * 0.92, half * 0.68):
        thing.plate(
            canvas, [(x, 0.0), (x + half * 0.24, 0.0), (x + half * 0.24, radius_m * 1.2), (x, radius_m * 1.2)], BLACK
        )
