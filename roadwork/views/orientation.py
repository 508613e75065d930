"""Pixels turned upright, as an EXIF orientation says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def turn_upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """`pixels` `[height width 3]`, C-contiguous, turned as EXIF orientation 1 to 8 says (EXIF 3.0, 4.6.5.1.6)."""
    if orientation == 1:
        return pixels
    # Three bytes that move as one are copied in half the time of three that move each for itself.
    stored = pixels.view("V3")[..., 0]
    if orientation >= 5:  # the file's rows are the picture's columns
        stored = stored.T
    flip_rows = orientation in (3, 4, 7, 8)
    flip_columns = orientation in (2, 3, 6, 7)
    upright = np.ascontiguousarray(stored[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1])
    return upright.view(np.uint8).reshape(*upright.shape, 3)
