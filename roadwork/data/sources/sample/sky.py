"""Sky, clouds, sun, moon and the silhouettes on the horizon."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from roadwork.data.sources.sample.camera import Camera
from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.light import Light
from roadwork.data.sources.sample.palette import Colour, mix, shade
from roadwork.data.sources.sample.street import Street

_ZENITH: dict[str, Colour] = {
    "sunny": (72, 132, 204),
    "clear": (92, 148, 208),
    "cloudy": (110, 156, 204),
    "overcast": (150, 156, 166),
    "rainy": (112, 119, 130),
    "foggy": (188, 192, 196),
    "snowy": (176, 184, 196),
}
_CLOUD_SHARE = {"sunny": 0.25, "clear": 0.1, "cloudy": 0.62, "overcast": 0.9, "rainy": 0.95, "foggy": 0.3, "snowy": 0.7}
_WARM: dict[str, Colour] = {"dawn": (246, 196, 178), "dusk": (244, 150, 96)}


def draw_sky(camera: Camera, light: Light, street: Street) -> Image.Image:
    """A new image with everything that is too far away to have a place: the background of a canvas."""
    dice = Dice(street.seed + 3)
    rows, columns = 96, 128
    height = np.linspace(0.0, 1.0, rows)[:, None, None] * camera.height_px / max(1.0, camera.horizon_px)
    rise = np.clip(height, 0.0, 1.0)
    horizon, zenith = np.array(light.air, np.float64), np.array(_zenith(street), np.float64)
    sky = zenith + (horizon - zenith) * rise**1.4
    if street.daytime in _WARM:
        sky = sky + (np.array(_WARM[street.daytime]) - sky) * np.clip(rise - 0.25, 0, 1) ** 1.5 * _clearness(street)
    sky = np.broadcast_to(sky, (rows, columns, 3)).copy()
    cover = _clouds(dice, rows, columns, _CLOUD_SHARE[street.weather])
    white = np.array(_cloud_colour(street, light), np.float64)
    sky += (white - sky) * cover[:, :, None] * (0.95 - 0.5 * rise)
    small = Image.fromarray(np.clip(np.rint(sky), 0, 255).astype(np.uint8))
    image = small.resize((camera.width_px, camera.height_px), Image.Resampling.BICUBIC)
    _sun(image, camera, street, dice)
    _skyline(image, camera, light, street, dice)
    return image


def _clearness(street: Street) -> float:
    return {"sunny": 1.0, "clear": 1.0, "cloudy": 0.7}.get(street.weather, 0.25)


def _zenith(street: Street) -> Colour:
    colour = _ZENITH[street.weather]
    if street.daytime == "night":
        return mix(shade(colour, 0.12), (14, 18, 38), 0.6)
    return mix(colour, (88, 84, 128), 0.45) if street.daytime in _WARM else colour


def _cloud_colour(street: Street, light: Light) -> Colour:
    if street.daytime == "night":
        return shade(light.air, 0.7)
    bright = {"sunny": (250, 250, 250), "clear": (246, 247, 249), "cloudy": (226, 230, 236)}.get(
        street.weather, (172, 177, 186)
    )
    return mix(bright, _WARM[street.daytime], 0.45) if street.daytime in _WARM else bright


def _clouds(dice: Dice, rows: int, columns: int, share: float) -> np.ndarray:
    """Cover in [0, 1] `[row column]`: three octaves of smoothed noise, stretched sideways, above a threshold."""
    field = np.zeros((rows, columns))
    for octave, weight in ((4, 1.0), (9, 0.5), (20, 0.28)):
        grains = dice.generator.random((octave * 2, octave)).astype(np.float32)
        layer = Image.fromarray(grains, "F").resize((columns, rows), Image.Resampling.BICUBIC)
        field += weight * np.asarray(layer, np.float64)
    cut = np.quantile(field, 1 - share)
    return np.clip((field - cut) * 3.2, 0.0, 1.0)


def _sun(image: Image.Image, camera: Camera, street: Street, dice: Dice) -> None:
    if street.weather not in ("sunny", "clear"):
        return
    u, lift = dice.between(0.1, 0.9) * camera.width_px, dice.between(0.35, 0.85)
    pen, unit = ImageDraw.Draw(image, "RGBA"), camera.width_px / 100
    if street.daytime == "night":
        v = camera.horizon_px * (1 - lift)
        for _ in range(70):
            x, y = dice.between(0, 1) * camera.width_px, dice.between(0, 0.8) * camera.horizon_px
            pen.ellipse((x, y, x + 0.15 * unit, y + 0.15 * unit), (230, 232, 240, 150))
        pen.ellipse((u - unit * 1.3, v - unit * 1.3, u + unit * 1.3, v + unit * 1.3), (236, 234, 214, 255))
        return
    v = camera.horizon_px * (1 - lift * (0.35 if street.daytime in _WARM else 1.0))
    for ring in range(12, 0, -1):
        radius = unit * (1.6 + ring * 0.75)
        pen.ellipse((u - radius, v - radius, u + radius, v + radius), (255, 246, 214, 14))
    pen.ellipse((u - unit * 1.7, v - unit * 1.7, u + unit * 1.7, v + unit * 1.7), (255, 250, 232, 255))


def _skyline(image: Image.Image, camera: Camera, light: Light, street: Street, dice: Dice) -> None:
    pen, width, horizon = ImageDraw.Draw(image), camera.width_px, camera.horizon_px
    hills = street.scene in ("rural", "highway", "residential")
    for layer, (distance, tone) in enumerate(((620.0, (96, 118, 112)), (330.0, (74, 98, 78)))):
        colour = light.falls_on(tone if hills else (118 - 20 * layer, 122 - 18 * layer, 134 - 18 * layer), distance)
        unit = camera.focal_px / distance
        outline, x = [(0.0, horizon + 2)], 0.0
        if hills:
            waves = [(dice.between(0.5, 4.0), dice.between(0, 6.3), dice.between(4, 14)) for _ in range(4)]
            for k in range(81):
                rise = sum(high * (1 + np.sin(often * k / 81 * 6.3 + shift)) for often, shift, high in waves) / 2
                outline.append((width * k / 80, horizon - rise * unit * (1.0 if layer == 0 else 0.45)))
        while not hills and x < width:
            wide, high = dice.between(10, 34) * unit, dice.between(8, 48 - 18 * layer) * unit
            outline += [(x, horizon - high), (x + wide, horizon - high)]
            x += wide
        pen.polygon([*outline, (width, horizon + 2)], fill=colour)
