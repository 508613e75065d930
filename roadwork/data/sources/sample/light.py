"""Light and air: what the hour and the weather do to every colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

from roadwork.data.sources.sample.palette import Colour, mix

_AMBIENT = {
    "sunny": (1.06, 1.03, 0.97),
    "clear": (1.02, 1.01, 0.99),
    "cloudy": (0.94, 0.95, 0.97),
    "overcast": (0.84, 0.86, 0.90),
    "rainy": (0.72, 0.75, 0.80),
    "foggy": (0.88, 0.89, 0.90),
    "snowy": (0.93, 0.95, 1.00),
}
_VISIBILITY_M = {
    "sunny": 900.0,
    "clear": 900.0,
    "cloudy": 700.0,
    "overcast": 450.0,
    "rainy": 170.0,
    "foggy": 60.0,
    "snowy": 140.0,
}
_AIR: dict[str, Colour] = {
    "sunny": (186, 208, 228),
    "clear": (190, 210, 230),
    "cloudy": (194, 202, 212),
    "overcast": (178, 184, 192),
    "rainy": (150, 157, 166),
    "foggy": (198, 201, 204),
    "snowy": (210, 215, 222),
}
_HOUR = {"day": (1.0, 1.0, 1.0), "dawn": (0.84, 0.76, 0.82), "dusk": (0.82, 0.66, 0.64), "night": (0.27, 0.30, 0.42)}


@dataclass(frozen=True)
class Light:
    """The light on a scene: a factor per channel, and the colour and reach of the air."""

    ambient: tuple[float, float, float]
    air: Colour
    visibility_m: float
    dark: bool

    def falls_on(self, colour: Colour, distance_m: float, glow: float = 0.0) -> Colour:
        """What the camera sees of `colour`; `glow` (0 to 1) is the share that shines by itself or throws light back."""
        red, green, blue = (
            min(255, round(channel * (glow + (1 - glow) * factor)))
            for channel, factor in zip(colour, self.ambient, strict=True)
        )
        return mix((red, green, blue), self.air, 1 - math.exp(-distance_m / self.visibility_m))


def light_of(weather: str, daytime: str) -> Light:
    """The light for a weather and a daytime of the sample's vocabulary."""
    hour = _HOUR[daytime]
    ambient = tuple(a * b for a, b in zip(_AMBIENT[weather], hour, strict=True))
    air = tuple(min(255, round(channel * factor)) for channel, factor in zip(_AIR[weather], hour, strict=True))
    return Light(
        (ambient[0], ambient[1], ambient[2]), (air[0], air[1], air[2]), _VISIBILITY_M[weather], daytime == "night"
    )
