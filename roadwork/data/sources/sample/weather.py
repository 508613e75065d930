"""What lies between lens and street: rain, snowflakes, the glow of lamps, and the grain of the sensor."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.dice import Dice


def add_glow(canvas: Canvas) -> None:
    """Add the halo of every remembered lamp, strong in the dark and faint by day."""
    if not canvas.lamps:
        return
    width, height = canvas.image.size
    step = max(1, width // 320)
    columns, rows = -(-width // step), -(-height // step)
    strength = 0.9 if canvas.light.dark else 0.25
    glow = np.zeros((rows, columns, 3), np.float32)
    for u, v, radius, colour in canvas.lamps:
        reach = max(1.0, radius / step)
        across = np.exp(-(((np.arange(columns) - u / step) / reach) ** 2))
        down = np.exp(-(((np.arange(rows) - v / step) / reach) ** 2))
        glow += strength * down[:, None, None] * across[None, :, None] * np.array(colour, np.float32)
    small = Image.fromarray(np.clip(glow, 0, 255).astype(np.uint8))
    halo = small.resize((width, height), Image.Resampling.BILINEAR)
    canvas.image.paste(_added(canvas.image, halo))


def _added(image: Image.Image, halo: Image.Image) -> Image.Image:
    """Screen blend: light adds up and never overflows."""
    base, light = np.asarray(image, np.uint16), np.asarray(halo, np.uint16)
    return Image.fromarray((255 - (255 - base) * (255 - light) // 255).astype(np.uint8))


def add_precipitation(image: Image.Image, weather: str, dice: Dice) -> None:
    """Draw streaks of rain or flakes of snow over the picture."""
    if weather not in ("rainy", "snowy"):
        return
    pen, (width, height) = ImageDraw.Draw(image, "RGBA"), image.size
    unit = max(width, height) / 1000
    lean = dice.between(-0.25, 0.25)
    for _ in range(420):
        x, y, size = dice.between(0, width), dice.between(0, height), dice.between(0.5, 1.6)
        if weather == "rainy":
            long = 26 * unit * size
            pen.line((x, y, x + lean * long, y + long), fill=(214, 222, 232, 64), width=max(1, round(unit * size)))
        else:
            radius = 2.1 * unit * size
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(248, 250, 255, 190))


def add_grain(image: Image.Image, dice: Dice, sigma: float) -> Image.Image:
    """The picture with soft blotches, as on every real surface, and sensor noise of `sigma` grey levels."""
    width, height = image.size
    coarse = dice.generator.normal(0.0, 1.0, (height // 24 + 2, width // 24 + 2)).astype(np.float32)
    blotches = Image.fromarray(coarse, "F").resize((width, height), Image.Resampling.BILINEAR)
    tile = dice.generator.normal(0.0, sigma, (256, 256)).astype(np.float32)
    grain = np.tile(tile, (height // 256 + 1, width // 256 + 1))[:height, :width]
    change = np.clip(grain + 2.2 * np.asarray(blotches), -40, 40).astype(np.int16)
    return Image.fromarray(np.clip(np.asarray(image, np.int16) + change[:, :, None], 0, 255).astype(np.uint8))
