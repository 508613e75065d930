"""Colours of the drawn world, and the arithmetic on them."""

from __future__ import annotations

Colour = tuple[int, int, int]

WHITE: Colour = (242, 242, 238)
BLACK: Colour = (24, 24, 26)
STEEL: Colour = (138, 142, 146)
GLASS: Colour = (66, 84, 102)
LAMPLIGHT: Colour = (255, 214, 140)

SAFETY_ORANGE: Colour = (255, 98, 14)
SAFETY_RED: Colour = (214, 24, 30)
SAFETY_YELLOW: Colour = (255, 196, 0)
HI_VIS_LIME: Colour = (206, 245, 30)
DIRT: Colour = (124, 84, 48)

WALLS: dict[str, tuple[Colour, ...]] = {
    "urban": ((176, 150, 124), (198, 186, 166), (150, 108, 88), (168, 172, 178), (206, 192, 150), (142, 134, 130)),
    "commercial": ((192, 178, 160), (166, 120, 98), (188, 196, 198), (214, 204, 182), (128, 132, 142)),
    "residential": ((226, 216, 198), (178, 104, 80), (232, 226, 214), (212, 188, 146), (186, 198, 204), (160, 92, 74)),
    "industrial": ((156, 164, 172), (120, 138, 154), (184, 180, 168), (136, 122, 112)),
    "rural": ((206, 190, 164), (160, 92, 72), (224, 218, 206)),
}
ROOFS: tuple[Colour, ...] = ((132, 66, 50), (92, 70, 62), (78, 80, 88), (150, 84, 60))
SHOP_SIGNS: tuple[Colour, ...] = (
    (30, 90, 70),
    (34, 62, 120),
    (140, 30, 40),
    (50, 50, 54),
    (214, 160, 40),
    (196, 92, 34),
)
AWNINGS: tuple[tuple[Colour, Colour], ...] = (
    ((204, 36, 40), WHITE),
    ((204, 36, 40), WHITE),
    ((232, 110, 30), WHITE),
    ((36, 110, 72), WHITE),
    ((40, 74, 140), WHITE),
)
CARS: dict[Colour, float] = {
    (200, 204, 208): 0.17,
    (52, 54, 60): 0.17,
    (232, 232, 230): 0.14,
    (40, 66, 116): 0.12,
    (150, 28, 34): 0.13,
    (60, 96, 74): 0.06,
    (236, 106, 24): 0.08,
    (120, 124, 130): 0.10,
}
TAXI: Colour = (250, 192, 16)
COATS: tuple[Colour, ...] = (
    (48, 56, 84),
    (120, 44, 48),
    (70, 90, 70),
    (216, 110, 40),
    (90, 80, 70),
    (180, 170, 150),
    (60, 60, 64),
    (208, 176, 50),
)
SKIN: tuple[Colour, ...] = ((232, 190, 158), (196, 146, 108), (128, 88, 62))
FOLIAGE: dict[str, tuple[Colour, ...]] = {
    "summer": ((62, 106, 46), (78, 122, 54), (50, 92, 50), (92, 128, 58)),
    "autumn": ((212, 116, 30), (196, 84, 30), (214, 160, 44), (150, 92, 40), (120, 116, 50)),
    "winter": ((96, 92, 82), (112, 104, 94)),
}
GRASS: dict[str, Colour] = {"summer": (96, 128, 64), "autumn": (132, 124, 66), "winter": (122, 122, 90)}
SNOW: Colour = (226, 230, 238)


def shade(colour: Colour, factor: float) -> Colour:
    """`colour` made darker (below 1) or lighter (above 1)."""
    red, green, blue = (min(255, max(0, round(channel * factor))) for channel in colour)
    return red, green, blue


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """A blend with `share` of `other`, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
