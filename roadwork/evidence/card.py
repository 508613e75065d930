"""One of the most telling views, enlarged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from roadwork.evidence.boxes import Box
from roadwork.evidence.colours import FAINT, MIST, PAPER, Scale
from roadwork.evidence.plate import BADGE_PX, Run, draw_badge, line_width, write_line
from roadwork.evidence.view import ViewEvidence
from roadwork.evidence.wording import change, gate, kept, logit, without

_CAPTION_PX, _EDGE_PX = 70, 4


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
    picture = Image.new("RGB", size_px, PAPER)
    draw = ImageDraw.Draw(picture)
    frame = (width, height - _CAPTION_PX)
    draw.rectangle((0, 0, frame[0] - 1, frame[1] - 1), fill=MIST)
    colour = scale.colour(view.deletion)
    part = Image.fromarray(rgb).crop(box)
    room = (frame[0] - 2 * _EDGE_PX, frame[1] - 2 * _EDGE_PX)
    factor = min(room[0] / part.width, room[1] / part.height)
    part = part.resize(
        (max(1, round(part.width * factor)), max(1, round(part.height * factor))), Image.Resampling.LANCZOS
    )
    x, y = (frame[0] - part.width) // 2, (frame[1] - part.height) // 2
    edge = (x - _EDGE_PX, y - _EDGE_PX, x + part.width + _EDGE_PX - 1, y + part.height + _EDGE_PX - 1)
    draw.rectangle(edge, fill=colour)
    picture.paste(part, (x, y))
    half = BADGE_PX // 2
    base = frame[1] + 32
    draw_badge(draw, (half + 3, base - 8), number, colour)
    name = [Run(view.name, 20, bold=True), *(Run(text, ink=FAINT) for text in kept(view))]
    write_line(draw, (BADGE_PX + 14, base), name)
    figure = [Run(change(view.deletion), 26, bold=True, ink=colour)]
    write_line(draw, (width - line_width(figure) - 2, base + 1), figure)
    inner = f"{gate(view)} · {logit(view)}"
    write_line(draw, (BADGE_PX + 14, base + 26), [Run(inner, ink=FAINT)])
    after = [Run(without(probability, view), ink=FAINT)]
    write_line(draw, (width - line_width(after) - 2, base + 26), after)
    return picture
