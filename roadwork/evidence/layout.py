"""Where the enlarged views of an overlay stand."""

from __future__ import annotations

from collections.abc import Sequence

from roadwork.evidence.boxes import OUTLINED, Box
from roadwork.evidence.card import CAPTION_PX, EDGE_PX, UPRIGHT_CAPTION_PX

GAP_PX = 20

_NARROWEST_PX = 980  # of all between the margins
_COLUMN_PX, _LEAST_PX = 420, 840  # beside the block: width of one column of cards, and its least height
_FLAT_PX = 560  # a block that is lower has the cards below
_SLENDER = 0.5  # width / height up to which boxes get slender cards
_LOW_PX, _SLENDER_PX = 150, 190  # most height of a view below the block, most width of a slender one

Area = tuple[int, int, int, int]
"""Left, top, width, height."""


def arranged(block: tuple[int, int], boxes: Sequence[Box]) -> tuple[int, int, list[Area]]:
    """Width and height of all between title and legend, and the places of the cards of `boxes`.

    `block` is the photograph with its figures. Cards stand to its right, one below the other; where they are
    slender, side by side; where it is flat, below it. The last two are as large as their views take, for in a frame of
    the usual form these would be thin strips.
    """
    width, height = block
    aspects = sorted((box[2] - box[0]) / (box[3] - box[1]) for box in boxes)
    middle = aspects[len(aspects) // 2] if aspects else 1.0
    if boxes and height < _FLAT_PX:
        return _below(max(width, _NARROWEST_PX), height, boxes)
    if boxes and middle < _SLENDER:
        return _side_by_side(width, max(height, _LEAST_PX), boxes)
    column, least = (_COLUMN_PX, _LEAST_PX) if boxes else (-GAP_PX, 0)
    width, height = max(width + GAP_PX + column, _NARROWEST_PX), max(height, least)
    step = (height + GAP_PX) // OUTLINED
    places = [(width - column, k * step, column, step - GAP_PX) for k in range(len(boxes))]
    return width, height + GAP_PX, places


def _below(width: int, height: int, boxes: Sequence[Box]) -> tuple[int, int, list[Area]]:
    """Below the block in lines, like words."""
    left, top, low, places = 0, height + GAP_PX, 0, []
    for x0, y0, x1, y1 in boxes:
        factor = min((width - 2 * EDGE_PX) / (x1 - x0), _LOW_PX / (y1 - y0))
        tall = max(1, round((y1 - y0) * factor)) + 2 * EDGE_PX + CAPTION_PX
        broad = max(round((x1 - x0) * factor) + 2 * EDGE_PX, _COLUMN_PX)
        if left + broad > width:
            left, top, low = 0, top + low + GAP_PX, 0
        places.append((left, top, broad, tall))
        left, low = left + broad + GAP_PX, max(low, tall)
    return width, top + low + GAP_PX, places


def _side_by_side(width: int, height: int, boxes: Sequence[Box]) -> tuple[int, int, list[Area]]:
    """To the right of the block, one after the other, their upper edges level."""
    each = _SLENDER_PX + 2 * EDGE_PX
    whole = max(width + len(boxes) * (GAP_PX + each), _NARROWEST_PX)
    left, places = whole - len(boxes) * (GAP_PX + each) + GAP_PX, []
    room = height - UPRIGHT_CAPTION_PX - 2 * EDGE_PX
    for x0, y0, x1, y1 in boxes:
        factor = min(_SLENDER_PX / (x1 - x0), room / (y1 - y0))
        tall = max(1, round((y1 - y0) * factor)) + 2 * EDGE_PX + UPRIGHT_CAPTION_PX
        places.append((left, 0, each, tall))
        left += each + GAP_PX
    return whole, height + GAP_PX, places
