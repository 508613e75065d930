"""One of the most telling views, enlarged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from roadwork.evidence.boxes import Box
from roadwork.evidence.colours import FAINT, MIST, PAPER, Rgb, Scale
from roadwork.evidence.plate import BADGE_PX, Run, draw_badge, line_width, write_line
from roadwork.evidence.view import ViewEvidence
from roadwork.evidence.wording import change, gate, kept, logit, without

CAPTION_PX, EDGE_PX = 70, 4
"""Height of the text below the view, and the width of the line around the view."""

UPRIGHT_CAPTION_PX = 124
"""Height of the text where a card is too narrow for two lines."""

_NARROW_PX = 380
_COVERED = 0.6  # a view that fills less of its frame stands on paper, at the left


def card(
    rgb: NDArray[np.uint8],
    box: Box,
    view: ViewEvidence,
    scale: Scale,
    *,
    number: int,
    probability: float,
    size_px: tuple[int, int],
) -> Image.Image:
    """The part `box` of the photograph `rgb` with the view's figures below it, `size_px` (width, height) large."""
    width, height = size_px
    narrow = width < _NARROW_PX
    picture = Image.new("RGB", size_px, PAPER)
    draw = ImageDraw.Draw(picture)
    frame = (width, height - (UPRIGHT_CAPTION_PX if narrow else CAPTION_PX))
    colour = scale.colour(view.deletion)
    part = Image.fromarray(rgb).crop(box)
    room = (frame[0] - 2 * EDGE_PX, frame[1] - 2 * EDGE_PX)
    factor = min(room[0] / part.width, room[1] / part.height)
    part = part.resize(
        (max(1, round(part.width * factor)), max(1, round(part.height * factor))), Image.Resampling.LANCZOS
    )
    x, y = EDGE_PX, EDGE_PX
    if part.width * part.height >= _COVERED * room[0] * room[1]:
        draw.rectangle((0, 0, frame[0] - 1, frame[1] - 1), fill=MIST)
        x, y = (frame[0] - part.width) // 2, (frame[1] - part.height) // 2
    edge = (x - EDGE_PX, y - EDGE_PX, x + part.width + EDGE_PX - 1, y + part.height + EDGE_PX - 1)
    draw.rectangle(edge, fill=colour)
    picture.paste(part, (x, y))
    base = frame[1] + 32
    draw_badge(draw, (BADGE_PX // 2 + 3, base - 8), number, colour)
    (_upright_caption if narrow else _caption)(draw, base, width, view, colour, probability)
    return picture


def _caption(
    draw: ImageDraw.ImageDraw, base: int, width: int, view: ViewEvidence, colour: Rgb, probability: float
) -> None:
    """Two lines, the change of probability at their right end."""
    name = [Run(view.name, 20, bold=True), *(Run(text, ink=FAINT) for text in kept(view))]
    write_line(draw, (BADGE_PX + 14, base), name)
    figure = [Run(change(view.deletion), 26, bold=True, ink=colour)]
    write_line(draw, (width - line_width(figure) - 2, base + 1), figure)
    inner = f"{gate(view)} · {logit(view)}"
    write_line(draw, (BADGE_PX + 14, base + 26), [Run(inner, ink=FAINT)])
    after = [Run(without(probability, view), ink=FAINT)]
    write_line(draw, (width - line_width(after) - 2, base + 26), after)


def _upright_caption(
    draw: ImageDraw.ImageDraw, base: int, width: int, view: ViewEvidence, colour: Rgb, probability: float
) -> None:
    """Four lines, one below the other."""
    write_line(draw, (BADGE_PX + 10, base), [Run(view.name, 20, bold=True)])
    figure = Run(change(view.deletion), 20, bold=True, ink=colour)
    write_line(draw, (0, base + 31), [figure, *(Run(text, 13, ink=FAINT) for text in kept(view))])
    write_line(draw, (0, base + 55), [Run(f"{gate(view)} · {logit(view)}", 14, ink=FAINT)])
    write_line(draw, (0, base + 78), [Run(without(probability, view), 13, ink=FAINT)])
