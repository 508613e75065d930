"""Where the views of a photograph lie: pure integer geometry."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from roadwork.config import Section
from roadwork.errors import ParameterError


class ViewsConfig(Section):
    """Section `views`: how a photograph is cut."""

    grid: int = Field(ge=1, le=16, description="tiles per side; an image has grid² + 3 views")
    overlap: float = Field(ge=0, le=0.9, description="share of a tile's side that neighbouring tiles have in common")
    size_px: int = Field(
        ge=16, le=4096, description="side to which every view is resampled; a multiple of the backbone's patch"
    )
    decoder: Literal["cpu", "cuda"] = Field(
        description="what decodes photographs and resamples their views: cpu, or cuda (nvJPEG and matrix products on "
        "the GPU that runs the model, for few CPU cores beside a fast GPU). Their views differ in the last bits, so "
        "features of the one never stand in for the other's"
    )

    @model_validator(mode="after")
    def _views_fit_in_memory(self) -> ViewsConfig:
        views, most_px = self.grid**2 + 3, 2**28
        if views * self.size_px**2 > most_px:
            raise ValueError(
                f"grid {self.grid} and size_px {self.size_px} make {views * self.size_px**2:,} pixels of views; "
                f"those of one photograph are in memory together, at most {most_px:,}"
            )
        return self


def view_names(grid: int) -> tuple[str, ...]:
    """Names of the views in their order: global, tile_ROW_COLUMN (from 1, row by row), center, right."""
    tiles = [f"tile_{row}_{column}" for row in range(1, grid + 1) for column in range(1, grid + 1)]
    return ("global", *tiles, "center", "right")


def view_boxes(width_px: int, height_px: int, *, grid: int, overlap: float) -> NDArray[np.int32]:
    """The views' boxes in an image of `width_px` x `height_px`, `[view 4]`: left, top, right, bottom in whole pixels.

    In the order of `view_names`: the whole image; grid x grid tiles, which cover every pixel; the largest centred
    square; the largest square flush with the right edge, in portrait images with the bottom. No box is empty.
    Raises ValueError unless the image has at least one pixel.
    """
    if width_px < 1 or height_px < 1:
        raise ValueError(f"an image of {width_px} x {height_px} px has no views")
    columns, rows = _spans(width_px, grid, overlap), _spans(height_px, grid, overlap)
    boxes = [(0, 0, width_px, height_px)]
    boxes += [(left, top, right, bottom) for top, bottom in rows for left, right in columns]
    side = min(width_px, height_px)
    x, y = (width_px - side) // 2, (height_px - side) // 2
    boxes.append((x, y, x + side, y + side))
    boxes.append((width_px - side, height_px - side, width_px, height_px))
    return np.array(boxes, dtype=np.int32)


def check_size(size_px: int, patch_px: int) -> None:
    """Raise ParameterError, naming the nearest valid sizes, unless `size_px` is a multiple of `patch_px`."""
    if size_px % patch_px == 0:
        return
    below = size_px // patch_px * patch_px
    nearest = " or ".join(str(size) for size in (below, below + patch_px) if size >= 16)
    raise ParameterError(
        f"views.size_px is {size_px}, and the backbone cuts its input into patches of {patch_px} px",
        where="params.yaml: views.size_px",
        rule=f"a multiple of {patch_px}",
        fix=f"the nearest valid sizes are {nearest}",
    )


def _spans(length_px: int, count: int, overlap: float) -> list[tuple[int, int]]:
    """`count` equal spans over an axis: t = ceil(L / (1 + (1 - overlap)(n - 1))) at round(linspace(0, L - t, n)).

    Exact in fractions, so no float rounding moves a tile by a pixel; halves round to even, as in NumPy.
    """
    step = 1 - Fraction(str(overlap))
    side = math.ceil(length_px / (1 + step * (count - 1)))
    free = length_px - side
    starts = [round(Fraction(free * index, max(1, count - 1))) for index in range(count)]
    return [(start, start + side) for start in starts]
