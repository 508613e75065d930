"""Colours that readers with any colour vision tell apart (Okabe and Ito 2008, "Color Universal Design")."""

from __future__ import annotations

BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#009e73"
ORANGE = "#e69f00"
PURPLE = "#cc79a7"
SKY = "#56b4e9"
INK = "#1f2328"
SOFT = "#57606a"
GREY = "#8c959f"
LINE = "#d0d7de"
PAPER = "#ffffff"


def mixed(colour: str, share: float) -> str:
    """`colour` laid over paper, `share` (0 to 1) of it."""
    parts = zip(_channels(PAPER), _channels(colour), strict=True)
    return "#" + "".join(f"{round(paper + share * (full - paper)):02x}" for paper, full in parts)


def ink_on(colour: str) -> str:
    """Ink or paper, whichever is easier to read on `colour` (contrast ratio of WCAG 2)."""
    return max((INK, PAPER), key=lambda text: _contrast(text, colour))


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
