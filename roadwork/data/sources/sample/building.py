"""Houses, shops and sheds: walls in perspective, windows, roofs, shop fronts and awnings."""

from __future__ import annotations

from collections.abc import Callable

from roadwork.data.sources.sample.camera import Point
from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.palette import GLASS, LAMPLIGHT, SNOW, Colour, mix, shade
from roadwork.data.sources.sample.street import Building

OnWall = Callable[[float, float], Point]

_STOREY_M = 3.0


def draw_building(canvas: Canvas, house: Building, ahead_m: float, lit: float, snowy: bool) -> None:
    """Paint one building; `ahead_m` is how far the camera has come, `lit` the share of windows with a light on."""
    near, far = house.near_m - ahead_m, house.far_m - ahead_m
    if far < 1.0 or near > 140.0:
        return
    dice, side, front, back = Dice(house.seed), house.side, house.front_m, house.front_m + house.depth_m

    def along(s: float, t: float) -> Point:
        return side * front, t, near + s

    def facing(s: float, t: float) -> Point:
        return side * (front + s), t, near

    roof = mix(house.roof, SNOW, 0.85) if snowy else house.roof
    high, ridge = house.height_m, house.height_m + house.pitch_m
    _wall(canvas, facing, house.depth_m, high, shade(house.wall, 0.84))
    _wall(canvas, along, far - near, high, house.wall)
    if house.pitch_m:
        middle = (front + back) / 2
        canvas.face(
            [(side * front, high, near), (side * back, high, near), (side * middle, ridge, near)],
            shade(house.wall, 0.84),
        )
        eave = front - 0.35
        canvas.face(
            [
                (side * eave, high - 0.1, near),
                (side * eave, high - 0.1, far),
                (side * middle, ridge, far),
                (side * middle, ridge, near),
            ],
            roof,
        )
    else:
        _rect(canvas, along, (0.0, far - near), (high - 0.45, high), shade(house.wall, 0.72))
        _rect(canvas, facing, (0.0, house.depth_m), (high - 0.45, high), shade(house.wall, 0.62))
    _windows(canvas, facing, house.depth_m, house, dice, lit)
    _windows(canvas, along, far - near, house, dice, lit)
    if house.shop is not None:
        _shop(canvas, along, far - near, house.shop, lit)
    else:
        door = dice.between(0.3, 0.6) * (far - near)
        _rect(canvas, along, (door, door + 1.1), (0.0, 2.1), dice.pick(((92, 60, 40), (50, 70, 60), (70, 74, 90))))
    if house.awning is not None:
        _awning(canvas, house, near, far)


def _rect(
    canvas: Canvas,
    place: OnWall,
    across: tuple[float, float],
    up: tuple[float, float],
    colour: Colour,
    glow: float = 0.0,
) -> None:
    (s0, s1), (t0, t1) = across, up
    canvas.face([place(s0, t0), place(s1, t0), place(s1, t1), place(s0, t1)], colour, glow=glow)


def _wall(canvas: Canvas, place: OnWall, width: float, height: float, colour: Colour) -> None:
    """A wall in strips, so that the air takes the far end of a long one more than the near end."""
    strips = max(1, int(width // 5))
    for strip in range(strips):
        _rect(canvas, place, (width * strip / strips, width * (strip + 1) / strips), (0.0, height), colour)
    _rect(canvas, place, (0.0, width), (0.0, 0.5), shade(colour, 0.78))


def _windows(canvas: Canvas, place: OnWall, width: float, house: Building, dice: Dice, lit: float) -> None:
    storeys = max(1, int(house.height_m / _STOREY_M))
    columns = max(1, int(width / dice.between(2.4, 3.4)))
    wide, high = dice.between(0.9, 1.4), dice.between(1.2, 1.7)
    frame = shade(house.wall, dice.pick((0.7, 1.22)))
    for storey in range(1 if house.shop is not None else 0, storeys):
        sill = storey * house.height_m / storeys + 0.9
        for column in range(columns):
            middle = width * (column + 0.5) / columns
            shines = dice.chance(lit)
            tint = dice.between(0.8, 1.35)
            if place(middle, sill)[2] > 75.0 and column % 2:
                continue
            if place(middle, sill)[2] < 45.0:
                _rect(
                    canvas,
                    place,
                    (middle - wide / 2 - 0.12, middle + wide / 2 + 0.12),
                    (sill - 0.12, sill + high + 0.12),
                    frame,
                )
            colour = LAMPLIGHT if shines else shade(GLASS, tint)
            _rect(
                canvas,
                place,
                (middle - wide / 2, middle + wide / 2),
                (sill, sill + high),
                colour,
                0.9 if shines else 0.0,
            )
            if place(middle, sill)[2] < 22.0:
                _rect(canvas, place, (middle - 0.04, middle + 0.04), (sill, sill + high), frame)


def _shop(canvas: Canvas, place: OnWall, width: float, board: Colour, lit: float) -> None:
    shines = lit > 0.2
    _rect(
        canvas,
        place,
        (0.4, width - 0.4),
        (0.35, 2.6),
        LAMPLIGHT if shines else shade(GLASS, 0.9),
        0.75 if shines else 0.0,
    )
    panes = max(2, int(width / 2.2))
    for pane in range(panes + 1):
        s = 0.4 + (width - 0.8) * pane / panes
        _rect(canvas, place, (s - 0.06, s + 0.06), (0.0, 2.6), shade(board, 0.7))
    _rect(canvas, place, (0.2, width - 0.2), (2.65, 3.3), board, 0.3 if shines else 0.0)
    letters = max(3, int(width / 1.3))
    for letter in range(1, letters):
        s = width * (0.2 + 0.6 * letter / letters)
        _rect(canvas, place, (s, s + 0.28), (2.83, 3.12), (236, 232, 220), 0.3 if shines else 0.0)


def _awning(canvas: Canvas, house: Building, near: float, far: float) -> None:
    wall, edge = house.side * house.front_m, house.side * (house.front_m - 1.25)
    stripes = max(4, int((far - near - 1.0) / 0.55))
    for stripe in range(stripes):
        z0 = near + 0.5 + (far - near - 1.0) * stripe / stripes
        z1 = near + 0.5 + (far - near - 1.0) * (stripe + 1) / stripes
        colour = house.awning[stripe % 2] if house.awning else house.wall
        canvas.face([(wall, 3.0, z0), (wall, 3.0, z1), (edge, 2.45, z1), (edge, 2.45, z0)], colour)
        canvas.face([(edge, 2.45, z0), (edge, 2.45, z1), (edge, 2.2, z1), (edge, 2.2, z0)], shade(colour, 0.9))
    canvas.face(
        [(wall, 3.0, near + 0.5), (edge, 2.45, near + 0.5), (edge, 2.2, near + 0.5), (wall, 2.2, near + 0.5)],
        shade(house.awning[0] if house.awning else house.wall, 0.7),
    )
