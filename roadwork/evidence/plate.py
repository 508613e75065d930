"""Text on a rounded plate, and numbered badges: what is written on a photograph stays readable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PIL import ImageDraw

from roadwork.evidence.colours import INK, PAPER, Rgb
from roadwork.views.font import sans

BADGE_PX = 28
_PAD_X, _PAD_Y, _ROUND, _LEADING, _SPACE = 9, 5, 7, 1.24, 9


class Run(NamedTuple):
    """Some text in one style."""

    text: str
    size_px: int = 15
    bold: bool = False
    ink: Rgb = INK


Lines = Sequence[Sequence[Run]]


def line_width(line: Sequence[Run]) -> float:
    """Width of one line in pixels."""
    return sum(sans(run.size_px, bold=run.bold).getlength(run.text) for run in line) + _SPACE * (len(line) - 1)


def plate_size(lines: Lines) -> tuple[float, float]:
    """Width and height that `draw_plate` needs."""
    height = sum(max(run.size_px for run in line) * _LEADING for line in lines)
    return max(map(line_width, lines)) + 2 * _PAD_X, height + 2 * _PAD_Y


def draw_plate(
    draw: ImageDraw.ImageDraw, centre: tuple[float, float], lines: Lines, edge: Rgb, number: int | None = None
) -> None:
    """`lines` centred on a white plate with an `edge`; `number` sits beside its left upper corner."""
    width, height = plate_size(lines)
    left, top = round(centre[0] - width / 2), round(centre[1] - height / 2)
    outline = (left, top, left + round(width), top + round(height))
    draw.rounded_rectangle(outline, _ROUND, fill=(*PAPER, 228), outline=(*edge, 255), width=2)
    y = top + _PAD_Y
    for line in lines:
        step = max(run.size_px for run in line) * _LEADING
        write_line(draw, (centre[0] - line_width(line) / 2, y + step * 0.78), line)
        y += step
    if number is not None:
        draw_badge(draw, (left - BADGE_PX // 5, top), number, edge)


def write_line(draw: ImageDraw.ImageDraw, start: tuple[float, float], line: Sequence[Run]) -> None:
    """Write `line` from the left end of its baseline."""
    x, y = start
    for run in line:
        font = sans(run.size_px, bold=run.bold)
        draw.text((x, y), run.text, run.ink, font, anchor="ls")
        x += font.getlength(run.text) + _SPACE


def draw_badge(draw: ImageDraw.ImageDraw, centre: tuple[float, float], number: int, colour: Rgb) -> None:
    """A disc with a number: it ties a view on the photograph to its enlargement."""
    x, y = centre
    half = BADGE_PX / 2
    draw.ellipse((x - half - 2, y - half - 2, x + half + 2, y + half + 2), fill=PAPER)
    draw.ellipse((x - half, y - half, x + half, y + half), fill=colour)
    draw.text((x, y), str(number), PAPER, sans(17, bold=True), anchor="mm")
