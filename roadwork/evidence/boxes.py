"""The boxes of the views, drawn on the photograph so that each can be told from its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance

from roadwork.evidence.colours import PAPER, Scale
from roadwork.evidence.territory import NOBODY, territory
from roadwork.evidence.view import ViewEvidence, most_telling

OUTLINED = 3
"""So many of the most telling views are outlined whole; the others show their corners."""

_REFERENCE_PX = 1280  # longer side of the photograph for which the pixels below are meant
_LINE_PX = (2.0, 5.0)  # weakest and strongest line
_DEEPEST = 0.26  # opacity of the strongest fill: the photograph stays visible
_CORNER = 0.15  # length of a corner's arm as a share of the tiles' shorter side
_DASH_PX, _HATCH_PX = 9.0, 26.0
_FADED = 0.25  # what remains of the colours where pruning dropped a tile

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def as_box(row: NDArray[np.int32]) -> Box:
    """One row of an array of boxes."""
    left, top, right, bottom = row.tolist()
    return left, top, right, bottom


def is_tile(view: ViewEvidence) -> bool:
    """Whether the view is one of the grid's tiles."""
    return view.name.startswith("tile")


def draw_boxes(
    photograph: Image.Image, boxes: NDArray[np.int32], views: Sequence[ViewEvidence], scale: Scale
) -> Image.Image:
    """`photograph` (RGB) with the boxes `[view 4]` of `views`, in its own pixels.

    Kept tiles are tinted (`territory` says which one where they overlap); where none looks, the photograph is faded
    and hatched. Of every box the corners are drawn, of the most telling ones the whole outline: the thicker the
    stronger, dashed where pruning dropped the view.
    """
    fine = max(photograph.size) / _REFERENCE_PX
    layer = Image.new("RGBA", photograph.size)
    draw = ImageDraw.Draw(layer)
    whole = most_telling(views, OUTLINED)
    tiles = boxes[[is_tile(view) for view in views]]
    arm = round(_CORNER * (tiles[:, 2:] - tiles[:, :2]).min())
    for place in [*(place for place in range(len(views)) if place not in whole), *reversed(whole)]:
        _outline(draw, as_box(boxes[place]), views[place], scale, fine, None if place in whole else arm)
    tinted = _tinted(photograph, tiles, [view for view in views if is_tile(view)], scale, fine)
    return Image.alpha_composite(tinted.convert("RGBA"), layer).convert("RGB")


def _tinted(
    photograph: Image.Image, tiles: NDArray[np.int32], views: Sequence[ViewEvidence], scale: Scale, fine: float
) -> Image.Image:
    owner = territory(tiles, views, *photograph.size)
    colours = np.array([scale.colour(view.deletion) for view in views], dtype=np.float32)
    depths = np.array([_DEEPEST * scale.strength(view.deletion) for view in views], dtype=np.float32)[owner, None]
    pixels = np.asarray(photograph, dtype=np.float32)
    tinted = np.rint(pixels + depths * (colours[owner] - pixels)).astype(np.uint8)
    faded = ImageEnhance.Color(photograph).enhance(_FADED)
    _hatch(faded, fine)
    return Image.composite(faded, Image.fromarray(tinted), Image.fromarray(owner == NOBODY))


def _hatch(picture: Image.Image, fine: float) -> None:
    draw = ImageDraw.Draw(picture, "RGBA")
    width, height = picture.size
    for offset in range(-height, width, max(5, round(_HATCH_PX * fine))):
        draw.line((offset, height, offset + height, 0), fill=(*PAPER, 70), width=max(1, round(1.5 * fine)))


def _outline(
    draw: ImageDraw.ImageDraw, box: Box, view: ViewEvidence, scale: Scale, fine: float, arm: int | None
) -> None:
    weakest, strongest = _LINE_PX
    width = max(1, round((weakest + scale.strength(view.deletion) * (strongest - weakest)) * fine))
    halo = max(1, round(1.2 * fine))
    left, top, right, bottom = box
    left, top, right, bottom = left + halo, top + halo, right - halo, bottom - halo
    if min(right - left, bottom - top) <= 4 * width:
        return
    dash = max(3, round(_DASH_PX * fine)) if view.kept == 0 else None
    strokes = _strokes((left, top, right, bottom), width, arm, dash)
    for x0, y0, x1, y1 in strokes:
        draw.rectangle((x0 - halo, y0 - halo, x1 - 1 + halo, y1 - 1 + halo), fill=(*PAPER, 170))
    for x0, y0, x1, y1 in strokes:
        draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill=(*scale.colour(view.deletion), 255))


def _strokes(box: Box, width: int, arm: int | None, dash: int | None) -> list[Box]:
    """The outline as filled rectangles: whole or, with `arm`, its corners; in pieces of `dash`."""
    left, top, right, bottom = box
    spans = {}
    for axis, (start, end) in (("x", (left, right)), ("y", (top, bottom))):
        runs = [(start, end)] if arm is None else [(start, start + arm), (end - arm, end)]
        spans[axis] = [piece for run in runs for piece in _pieces(*run, dash)]
    across = [(start, y, end, y + width) for start, end in spans["x"] for y in (top, bottom - width)]
    down = [(x, start, x + width, end) for start, end in spans["y"] for x in (left, right - width)]
    return across + down


def _pieces(start: int, end: int, dash: int | None) -> list[tuple[int, int]]:
    if dash is None:
        return [(start, end)]
    return [(at, min(at + dash, end)) for at in range(start, end, 2 * dash)]
