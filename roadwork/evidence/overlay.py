"""One picture that shows why a photograph was called roadwork, and its small version."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from roadwork.evidence.boxes import OUTLINED, as_box, draw_boxes, is_tile
from roadwork.evidence.card import card
from roadwork.evidence.chips import COLUMN_PX, ROW_PX, Figures
from roadwork.evidence.colours import PAPER, Scale
from roadwork.evidence.legend import legend
from roadwork.evidence.table import image_views
from roadwork.evidence.title import TITLE_PX, title_strip
from roadwork.evidence.view import ViewEvidence, most_telling
from roadwork.evidence.wording import reach

_PHOTO_PX = (1280, 1000)  # the photograph is scaled to fit
_NARROWEST_PX = 980  # of all between the margins
_COLUMN_PX, _ROW_PX = (420, 840), 380  # enlarged views: width and least height beside, height below the photograph
_FLAT_PX = 560  # a photograph that is lower, its brackets included, has them below
_MARGIN_PX, _GAP_PX = 32, 20


def overlay(
    rgb: NDArray[np.uint8],
    boxes: NDArray[np.int32],
    views: Sequence[ViewEvidence],
    *,
    probability: float,
    name: str,
) -> Image.Image:
    """The photograph `rgb [height width 3]` with its boxes `[view 4]` and their evidence, 1000 to 1800 px wide.

    Above it the verdict and `name`; on it the tiles with their figures; along its edge a bracket for each view that
    isn't a tile; beside it the three most telling views, enlarged; below it the legend. Colour and strength are
    relative to the photograph's own largest change, which the legend states.
    """
    scale, telling = Scale.of(views), most_telling(views, OUTLINED)
    picture, placed = _scaled(rgb, boxes, min(_PHOTO_PX[0] / rgb.shape[1], _PHOTO_PX[1] / rgb.shape[0]))
    below = picture.width >= picture.height
    brackets = sum(not is_tile(view) for view in views)
    block = (picture.width, picture.height + brackets * ROW_PX)
    if not below:
        block = (picture.width + brackets * COLUMN_PX, picture.height)
    left, top = _MARGIN_PX, _MARGIN_PX + TITLE_PX
    width, height, places = _arranged(block, len(telling))
    key = legend(width, scale, views=len(views), telling=len(telling))

    canvas = Image.new("RGB", (left + width + _MARGIN_PX, top + height + key.height + _MARGIN_PX // 2), PAPER)
    about = f"{rgb.shape[1]} × {rgb.shape[0]} px · {reach(probability, views)}"
    canvas.paste(title_strip(width, probability=probability, name=name, about=about), (left, _MARGIN_PX // 2))
    canvas.paste(draw_boxes(picture, placed, views, scale), (left, top))
    numbers = {place: order for order, place in enumerate(telling, start=1)}
    frame = (left, top, left + picture.width, top + picture.height)
    figures = Figures(ImageDraw.Draw(canvas, "RGBA"), scale, numbers, frame, below)
    figures.write(placed + np.array([left, top, left, top], dtype=np.int32), views)
    for (place, number), (x, y, card_width, card_height) in zip(numbers.items(), places, strict=True):
        shown = card(
            rgb,
            as_box(boxes[place]),
            views[place],
            scale,
            number=number,
            probability=probability,
            size_px=(card_width, card_height),
        )
        canvas.paste(shown, (left + x, top + y))
    canvas.paste(key, (left, top + height))
    return canvas


def overlay_thumbnail(
    rgb: NDArray[np.uint8], boxes: NDArray[np.int32], evidence: pd.DataFrame, width_px: int
) -> Image.Image:
    """The photograph `rgb [height width 3]` with its boxes and their colours, `width_px` wide: no text, no panels.

    For galleries. `boxes [view 4]` are in pixels of `rgb`; `evidence` is the image's own rows of an evidence table
    (`roadwork.evidence.table`), one per box. The picture is RGB, of the photograph's own proportions; lines and
    hatching grow with it. Colours are relative to this photograph's largest change, as in `overlay`.
    """
    views = image_views(evidence)
    picture, placed = _scaled(rgb, boxes, width_px / rgb.shape[1])
    return draw_boxes(picture, placed, views, Scale.of(views))


def _scaled(rgb: NDArray[np.uint8], boxes: NDArray[np.int32], factor: float) -> tuple[Image.Image, NDArray[np.int32]]:
    """Photograph and boxes, `factor` times as large."""
    height_px, width_px = rgb.shape[:2]
    size = max(1, round(width_px * factor)), max(1, round(height_px * factor))
    picture = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS)
    ratio = np.array([size[0] / width_px, size[1] / height_px] * 2)
    return picture, np.rint(boxes * ratio).astype(np.int32)


def _arranged(block: tuple[int, int], count: int) -> tuple[int, int, list[tuple[int, int, int, int]]]:
    """Width and height of all between title and legend, and for `count` enlarged views left, top, width and height.

    `block` is the photograph with its brackets; the enlarged views stand to its right or, where it is flat, below it.
    """
    if count and block[1] < _FLAT_PX:
        width = max(block[0], _NARROWEST_PX)
        each = (width - (OUTLINED - 1) * _GAP_PX) // OUTLINED
        top = block[1] + _GAP_PX
        return width, top + _ROW_PX + _GAP_PX, [(k * (each + _GAP_PX), top, each, _ROW_PX) for k in range(count)]
    column, least = _COLUMN_PX if count else (-_GAP_PX, 0)
    width, height = max(block[0] + _GAP_PX + column, _NARROWEST_PX), max(block[1], least)
    step = (height + _GAP_PX) // OUTLINED
    places = [(width - column, k * step, column, step - _GAP_PX) for k in range(count)]
    return width, height + _GAP_PX, places
