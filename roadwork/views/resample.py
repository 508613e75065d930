"""Views cut from a photograph and resampled to one size."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate


def cut_views(rgb: NDArray[np.uint8], boxes: NDArray[np.int32], size_px: int) -> NDArray[np.uint8]:
    """The parts `boxes` `[view 4]` of `rgb` `[height width 3]`, each `size_px` square: uint8 `[view size size 3]`.

    LANCZOS with antialiasing (the filter of radius 3, widened when shrinking), from the full-resolution pixels, along
    the rows first and the columns then, each rounded to 8 bits: Pillow's way, and its numbers within a grey level or
    two, in PyTorch's vectorised form. A view is cropped before it is resized: no pixel outside its box counts.

    One thread does it, however many PyTorch has: whoever cuts several photographs at a time has a thread for each.
    """
    rgb = np.require(rgb, requirements=["C", "W"])  # PyTorch only reads it, but warns where it couldn't write
    views = np.empty((len(boxes), size_px, size_px, 3), dtype=np.uint8)
    spans = (boxes[:, 2:] - boxes[:, :2]).astype(np.int64).prod(axis=1) * 3
    # PyTorch would copy a crop that isn't in one piece on several threads; NumPy does on one, each time to one place.
    scratch = np.empty(int(spans.max(initial=0)), dtype=np.uint8)
    for view, (left, top, right, bottom) in zip(views, boxes.tolist(), strict=True):
        crop = rgb[top:bottom, left:right]
        if not crop.flags.c_contiguous:
            whole = scratch[: crop.size].reshape(crop.shape)
            whole[:] = crop
            crop = whole
        pixels = torch.from_numpy(crop)[None].permute(0, 3, 1, 2)  # channels last, so that nothing is transposed
        resized = interpolate(pixels, size=(size_px, size_px), mode="lanczos", antialias=True)
        view[:] = resized[0].permute(1, 2, 0).numpy()
    return views
