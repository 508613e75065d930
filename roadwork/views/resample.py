"""Views cut from a photograph and resampled to one size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def cut_views(rgb: NDArray[np.uint8], boxes: NDArray[np.int32], size_px: int) -> NDArray[np.uint8]:
    """The parts `boxes` `[view 4]` of `rgb` `[height width 3]`, each `size_px` square: uint8 `[view size size 3]`.

    LANCZOS with antialiasing (Pillow's filter of radius 3, widened when shrinking), from the full-resolution pixels.
    A view is cropped first and resized then, so it depends on no pixel outside its box; Pillow's `resize(box=...)`
    would let the filter reach over the edge.
    """
    photograph = Image.fromarray(rgb)
    views = np.empty((len(boxes), size_px, size_px, 3), dtype=np.uint8)
    for view, box in zip(views, boxes.tolist(), strict=True):
        view[:] = np.asarray(photograph.crop(box).resize((size_px, size_px), Image.Resampling.LANCZOS))
    return views
