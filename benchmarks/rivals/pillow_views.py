"""The first day's way from a file to 12 views: Pillow for everything, normalised floats on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def pillow_views(path: Path, boxes: NDArray[np.int32], size_px: int) -> NDArray[np.uint8]:
    """The views `boxes` of the photograph, `[view size size 3]`, before they are normalised."""
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file).convert("RGB")
    return np.stack(
        [
            np.asarray(image.crop(tuple(box)).resize((size_px, size_px), Image.Resampling.LANCZOS))
            for box in boxes.tolist()
        ]
    )


def normalised(views: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Floats `[view 3 size size]` as a model takes them."""
    scaled = views.astype(np.float32) / np.float32(255)
    return ((scaled - _MEAN) / _STD).astype(np.float32, copy=False).transpose(0, 3, 1, 2)
