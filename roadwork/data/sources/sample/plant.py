"""Trees and bushes: crowns of overlapping leaf clusters."""

from __future__ import annotations

import math

from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.palette import FOLIAGE, SNOW, mix, shade
from roadwork.data.sources.sample.street import Plant


def draw_plant(canvas: Canvas, plant: Plant, ahead_m: float, season: str, snowy: bool) -> None:
    """Paint a tree or a bush; bare branches in winter."""
    x, z, crown = plant.x_m, plant.z_m - ahead_m, plant.crown_m
    if z < 1.5:
        return
    dice = Dice(plant.seed)
    leaf = dice.pick(FOLIAGE[season])
    bark = (82, 66, 52)
    middle = plant.trunk_m + crown * 0.75
    if plant.trunk_m:
        canvas.face([(x - 0.14, 0, z), (x + 0.14, 0, z), (x + 0.07, middle, z), (x - 0.07, middle, z)], bark)
    if season == "winter" and plant.trunk_m:
        _branches(canvas, dice, (x, plant.trunk_m * 0.8, z), crown, mix(bark, SNOW, 0.4) if snowy else bark)
        return
    clusters = 26 if z < 30 else 12
    for k in range(clusters):
        turn, out = dice.between(0, math.tau), crown * 0.8 * math.sqrt(dice.between(0, 1))
        dx, dy = out * math.cos(turn), out * math.sin(turn) * 0.85
        light = 0.74 + 0.5 * (dy / crown + 0.8) / 1.6 + dice.between(-0.08, 0.08) + 0.08 * k / clusters
        colour = shade(leaf, light)
        if snowy and dy > 0:
            colour = mix(colour, SNOW, 0.6)
        canvas.disc(x + dx, max(0.1, middle + dy), z, crown * dice.between(0.22, 0.38), colour)


def _branches(
    canvas: Canvas, dice: Dice, root: tuple[float, float, float], reach: float, colour: tuple[int, int, int]
) -> None:
    x, y, z = root
    for _ in range(13):
        lean, long = dice.between(-1.1, 1.1), reach * dice.between(0.9, 2.1)
        tip_x, tip_y = x + math.sin(lean) * long, y + math.cos(lean) * long
        start = y + dice.between(0.0, reach * 0.7)
        canvas.face([(x - 0.05, start, z), (x + 0.05, start, z), (tip_x, tip_y, z)], colour)
        for _ in range(3):
            share = dice.between(0.4, 0.9)
            knee_x, knee_y = x + (tip_x - x) * share, start + (tip_y - start) * share
            twig = dice.between(-0.5, 0.5) * reach
            canvas.face(
                [(knee_x - 0.02, knee_y, z), (knee_x + 0.02, knee_y, z), (knee_x + twig, knee_y + 0.4 * reach, z)],
                colour,
            )
