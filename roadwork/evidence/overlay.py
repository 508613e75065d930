"""One picture that shows why a photograph was called roadwork, and its small version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from roadwork.evidence.boxes import OUTLINED, as_box, draw_boxes, is_tile
from roadwork.evidence.card import card
from roadwork.evidence.chips import COLUMN_PX, ROW_PX, Figures
from roadwork.evidence.colours import PAPER, Scale
from roadwork.evidence.layout import GAP_PX, arranged
from roadwork.evidence.legend import legend
from roadwork.evidence.listing import LEAST_ROW_PX, listing, listing_columns
from roadwork.evidence.table import image_views
from roadwork.evidence.title import title_strip
from roadwork.evidence.view import ViewEvidence, most_telling
from roadwork.evidence.wording import reach

_PHOTO_PX = (1280, 1000)  # the photograph is scaled to fit
_LISTED_PX = (560, 1000)  # beside a listing
_FLAT = 4.0  # width / height from which a listing stands below the photograph
_MARGIN_PX = 32
_REDUCING_GAP = 3.0


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
    isn't a tile; beside it the three most telling views, enlarged; below it the legend. Where its tiles have no room
    for figures, because they are too thin or too many, a listing has those of all views. Colour and strength are
    relative to the photograph's own largest change, which the legend states.
    """
    scale, telling = Scale.of(views), most_telling(views, OUTLINED)
    numbers = {place: order for order, place in enumerate(telling, start=1)}
    main, size = _block(rgb, boxes, views, scale, numbers)
    width, height, places = arranged(size, [as_box(boxes[place]) for place in telling])
    about = f"{rgb.shape[1]} × {rgb.shape[0]} px · {reach(probability, views)}"
    title = title_strip(width, probability=probability, name=name, about=about)
    key = legend(width, scale, views=len(views), telling=len(telling))
    left, top = _MARGIN_PX, _MARGIN_PX + title.height
    canvas = Image.new("RGB", (left + width + _MARGIN_PX, top + height + key.height + _MARGIN_PX // 2), PAPER)
    canvas.paste(main, (left - _MARGIN_PX, top - _MARGIN_PX))
    canvas.paste(title, (left, _MARGIN_PX // 2))
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


def _block(
    rgb: NDArray[np.uint8],
    boxes: NDArray[np.int32],
    views: Sequence[ViewEvidence],
    scale: Scale,
    numbers: Mapping[int, int],
) -> tuple[Image.Image, tuple[int, int]]:
    """The photograph with the figures of all views, in a margin for what reaches over its edge; size without it."""
    height_px, width_px = rgb.shape[:2]
    below = width_px >= height_px
    brackets = sum(not is_tile(view) for view in views)
    picture, placed = _scaled(rgb, boxes, min(_PHOTO_PX[0] / width_px, _PHOTO_PX[1] / height_px))
    roomy = Figures.have_room(placed, views)
    if roomy:
        size = (picture.width, picture.height + brackets * ROW_PX)
        if not below:
            size = (picture.width + brackets * COLUMN_PX, picture.height)
        listed, at = None, (0, 0)
    else:
        flat = width_px >= _FLAT * height_px
        if not flat:
            picture, placed = _scaled(rgb, boxes, min(_LISTED_PX[0] / width_px, _LISTED_PX[1] / height_px))
        flat = flat or len(views) * LEAST_ROW_PX > _LISTED_PX[1]
        if flat:
            listed = listing(views, scale, numbers, columns=listing_columns(_PHOTO_PX[0]))
            at = (0, picture.height + GAP_PX)
            size = (max(picture.width, listed.width), at[1] + listed.height)
        else:
            listed = listing(views, scale, numbers, height_px=picture.height)
            at = (picture.width + GAP_PX, 0)
            size = (at[0] + listed.width, max(picture.height, listed.height))
    main = Image.new("RGB", (size[0] + 2 * _MARGIN_PX, size[1] + 2 * _MARGIN_PX), PAPER)
    main.paste(draw_boxes(picture, placed, views, scale), (_MARGIN_PX, _MARGIN_PX))
    if listed is not None:
        main.paste(listed, (_MARGIN_PX + at[0], _MARGIN_PX + at[1]))
    frame = (_MARGIN_PX, _MARGIN_PX, _MARGIN_PX + picture.width, _MARGIN_PX + picture.height)
    figures = Figures(ImageDraw.Draw(main, "RGBA"), scale, numbers, frame, below)
    (figures.write if roomy else figures.write_badges)(placed + _MARGIN_PX, views)
    return main, size


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
    # From a large photograph first to some times the size, by averaging: several times as fast, and looks the same.
    picture = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP)
    ratio = np.array([size[0] / width_px, size[1] / height_px] * 2)
    return picture, np.rint(boxes * ratio).astype(np.int32)
