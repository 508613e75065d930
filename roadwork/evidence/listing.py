"""The figures of every view in rows: for photographs whose tiles are too small or too thin to carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from roadwork.evidence.colours import FAINT, MIST, PAPER, Scale
from roadwork.evidence.plate import BADGE_PX, Run, draw_badge, line_width, write_line
from roadwork.evidence.view import ViewEvidence
from roadwork.evidence.wording import change, gate, kept, logit

LISTING_PX = 500
"""Width of one column."""

LEAST_ROW_PX, _MOST_ROW_PX, _GAP_PX = 34, 60, 20
_NAME_PX, _CHANGE_PX, _INNER_PX = BADGE_PX + 14, 238, 254  # left edge; right edge; left edge


def listing_columns(width_px: int) -> int:
    """How many columns `width_px` has room for, at least one."""
    return max(1, (width_px + _GAP_PX) // (LISTING_PX + _GAP_PX))


def listing(
    views: Sequence[ViewEvidence], scale: Scale, numbers: Mapping[int, int], *, columns: int = 1, height_px: int = 0
) -> Image.Image:
    """A row for each of `views`, in order, down the `columns`: badge, name, change of probability, gate and logit.

    `numbers` are the ranks of the most telling views, from 1, by their place. The rows share `height_px` as far as that
    leaves them a reasonable height.
    """
    rows = -(-len(views) // columns)
    row_px = min(max(height_px // rows, LEAST_ROW_PX), _MOST_ROW_PX)
    width = columns * (LISTING_PX + _GAP_PX) - _GAP_PX
    picture = Image.new("RGB", (width, rows * row_px), PAPER)
    draw = ImageDraw.Draw(picture)
    for place, view in enumerate(views):
        left, top = place // rows * (LISTING_PX + _GAP_PX), place % rows * row_px
        if place % rows % 2 == 0:
            draw.rectangle((left, top, left + LISTING_PX - 1, top + row_px - 1), fill=MIST)
        colour, base = scale.colour(view.deletion), top + row_px // 2 + 6
        if place in numbers:
            draw_badge(draw, (left + BADGE_PX // 2 + 4, top + row_px // 2), numbers[place], colour)
        write_line(draw, (left + _NAME_PX, base), [Run(view.name, 16, bold=True)])
        if view.kept == 0:
            write_line(draw, (left + _INNER_PX, base), [Run("pruned", 16, ink=FAINT)])
            continue
        figure = [Run(change(view.deletion), 20, bold=True, ink=colour)]
        write_line(draw, (left + _CHANGE_PX - line_width(figure), base), figure)
        inner = " · ".join((gate(view), logit(view), *(text.removeprefix("kept by ") for text in kept(view))))
        write_line(draw, (left + _INNER_PX, base), [Run(inner, 15)])
    return picture
