"""One picture to check the cutting by eye: photographs with their boxes drawn, and the views they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from roadwork.views.font import sans
from roadwork.views.geometry import ViewsConfig, view_boxes, view_names

_PAPER, _INK, _FAINT = "#ffffff", "#1d2733", "#5c6875"
# Okabe and Ito's colours, which people with any colour vision tell apart; neighbouring tiles alternate.
_TILE_COLOURS = ("#0072b2", "#56b4e9")
_COLOURS = {"global": _INK, "center": "#e69f00", "right": "#009e73"}

_MARGIN_PX, _GAP_PX, _TITLE_PX, _CAPTION_PX, _HEAD_PX = 36, 10, 88, 24, 34
_PHOTO_PX = (820, 615)
_BLOCK_PX = 615


@dataclass(frozen=True)
class Sample:
    """A photograph to show: its name and its upright pixels `[height width 3]`."""

    name: str
    rgb: NDArray[np.uint8]


def choose_rows(images: pd.DataFrame, count: int) -> list[int]:
    """Row numbers of at most `count` photographs of `images`, one of each size first, the commonest sizes foremost."""
    keys = list(zip(images["width_px"].tolist(), images["height_px"].tolist(), strict=True))
    first: dict[tuple[int, int], int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    by_size = sorted(first.values(), key=lambda row: (-keys.count(keys[row]), row))
    chosen = by_size[:count]
    rest = [row for row in range(len(images)) if row not in set(chosen)]
    return chosen + rest[: count - len(chosen)]


def contact_sheet(samples: Sequence[Sample], config: ViewsConfig) -> Image.Image:
    """A picture with one band per photograph: left the photograph with its boxes, right its views with captions.

    Raises ValueError when there is no photograph.
    """
    if not samples:
        raise ValueError("a contact sheet needs at least one photograph")
    rows = max(config.grid, 3)
    thumb = (_BLOCK_PX - (rows - 1) * _GAP_PX) // rows - _CAPTION_PX
    columns = config.grid + 1
    width = 2 * _MARGIN_PX + _PHOTO_PX[0] + _MARGIN_PX + columns * thumb + (columns - 1) * _GAP_PX + _MARGIN_PX // 2
    band = _HEAD_PX + _BLOCK_PX + _MARGIN_PX
    sheet = Image.new("RGB", (width, _TITLE_PX + band * len(samples) + _MARGIN_PX // 2), _PAPER)
    draw = ImageDraw.Draw(sheet)
    _title(draw, config)
    for index, sample in enumerate(samples):
        top = _TITLE_PX + index * band
        height_px, width_px = sample.rgb.shape[:2]
        text = f"{sample.name}   {width_px} × {height_px} px"
        draw.text((_MARGIN_PX, top), text, _INK, sans(16))
        boxes = view_boxes(width_px, height_px, grid=config.grid, overlap=config.overlap)
        sheet.paste(_annotated(sample.rgb, boxes, config.grid), (_MARGIN_PX, top + _HEAD_PX))
        left = 2 * _MARGIN_PX + _PHOTO_PX[0]
        _views(sheet, draw, sample.rgb, boxes, config.grid, (left, top + _HEAD_PX), thumb)
    return sheet


def _title(draw: ImageDraw.ImageDraw, config: ViewsConfig) -> None:
    views = config.grid**2 + 3
    draw.text((_MARGIN_PX, 22), f"The {views} views of a photograph", _INK, sans(25))
    about = f"grid {config.grid} × {config.grid}, overlap {config.overlap:g}, each resampled to {config.size_px} px"
    draw.text((_MARGIN_PX + 460, 31), about, _FAINT, sans(16))


def _annotated(rgb: NDArray[np.uint8], boxes: NDArray[np.int32], grid: int) -> Image.Image:
    """The photograph within `_PHOTO_PX`, with every box but the whole image outlined and named at its own corner."""
    height_px, width_px = rgb.shape[:2]
    scale = min(_PHOTO_PX[0] / width_px, _PHOTO_PX[1] / height_px)
    size = max(1, round(width_px * scale)), max(1, round(height_px * scale))
    picture = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(picture)
    named = list(zip(view_names(grid), boxes.tolist(), strict=True))[1:]
    for order, (name, box) in enumerate(named):
        # Boxes share edges: each is drawn a little further in than the one before, so that none hides another.
        inset = 1 + (order % 3 if name.startswith("tile") else 4 + 4 * (name == "right"))
        left, top, right, bottom = (round(edge * scale) for edge in box)
        outline = (left + inset, top + inset, right - 1 - inset, bottom - 1 - inset)
        if outline[2] - outline[0] < 2 or outline[3] - outline[1] < 2:
            continue
        draw.rectangle(outline, outline=_colour(name), width=2 if name.startswith("tile") else 4)
    for name, box in named:
        left, top, right, bottom = (edge * scale for edge in box)
        if name.startswith("tile"):
            _label(draw, name.removeprefix("tile_").replace("_", "·"), ((left + right) / 2, (top + bottom) / 2), name)
    for name, box in named[-2:]:
        left, top, right, bottom = (edge * scale for edge in box)
        corner = (left + 44, bottom - 22) if name == "center" else (right - 40, bottom - 22)
        _label(draw, name, corner, name)
    return picture


def _views(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    rgb: NDArray[np.uint8],
    boxes: NDArray[np.int32],
    grid: int,
    origin: tuple[int, int],
    thumb: int,
) -> None:
    """The tiles as they lie in the photograph, and beside them a column of global, center and right."""
    names = view_names(grid)
    places = {0: (grid, 0), len(names) - 2: (grid, 1), len(names) - 1: (grid, 2)}
    places |= {1 + row * grid + column: (column, row) for row in range(grid) for column in range(grid)}
    photograph = Image.fromarray(rgb)
    for index, box in enumerate(boxes.tolist()):
        column, row = places[index]
        x = origin[0] + column * (thumb + _GAP_PX) + (_MARGIN_PX // 2 if column == grid else 0)
        y = origin[1] + row * (thumb + _CAPTION_PX + _GAP_PX)
        # By Pillow: this stage draws pictures, and needn't wait for PyTorch to be imported.
        sheet.paste(photograph.crop(box).resize((thumb, thumb), Image.Resampling.LANCZOS), (x, y))
        draw.rectangle((x, y, x + thumb - 1, y + thumb - 1), outline=_colour(names[index]), width=3)
        left, top, right, bottom = box
        draw.text((x, y + thumb + 3), names[index], _INK, sans(13))
        size = f"{right - left} × {bottom - top}"
        draw.text((x + thumb, y + thumb + 5), size, _FAINT, sans(10), anchor="ra")


def _label(draw: ImageDraw.ImageDraw, text: str, centre: tuple[float, float], name: str) -> None:
    font = sans(14)
    left, top, right, bottom = draw.textbbox(centre, text, font=font, anchor="mm")
    draw.rounded_rectangle((left - 6, top - 4, right + 6, bottom + 4), 4, fill=_PAPER, outline=_colour(name), width=2)
    draw.text(centre, text, _INK, font, anchor="mm")


def _colour(name: str) -> str:
    if not name.startswith("tile"):
        return _COLOURS[name]
    row, column = name.removeprefix("tile_").split("_")
    return _TILE_COLOURS[(int(row) + int(column)) % 2]
