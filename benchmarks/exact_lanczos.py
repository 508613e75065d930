"""LANCZOS by its formula, in float64: what every faster way is held against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RADIUS = 3


def exact_views(rgb: NDArray[np.uint8], boxes: NDArray[np.int32], size_px: int) -> NDArray[np.float64]:
    """The views `boxes` of `rgb`, `[view size size 3]`, clipped to 0-255 once at the end and never rounded.

    Each target pixel is the sum over the source pixels within three target pixels' width of its centre, weighted by
    sinc(d) sinc(d / 3) of their distance d in target pixels (in source pixels when enlarging), over the weights' sum.
    """
    crops = (rgb[top:bottom, left:right] for left, top, right, bottom in boxes.tolist())
    return np.stack([_across(_down(crop, size_px), size_px).clip(0, 255) for crop in crops])


def psnr_db(views: NDArray[np.uint8], reference: NDArray[np.generic]) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each view `[view]`; equal ones have 120 dB, where a float's rounding lies."""
    error = ((views.astype(np.float64) - reference.astype(np.float64)) ** 2).mean(axis=(1, 2, 3))
    return 10 * np.log10(255**2 / np.maximum(error, 255**2 * 1e-12))


def _down(values: NDArray[np.generic], size: int) -> NDArray[np.float64]:
    length = values.shape[0]
    scale = length / size
    stretch = max(1.0, scale)
    rows = []
    for target in range(size):
        distance = (np.arange(length) + 0.5 - (target + 0.5) * scale) / stretch
        first, last = np.flatnonzero(np.abs(distance) < _RADIUS)[[0, -1]]
        near = distance[first : last + 1]
        weights = np.sinc(near) * np.sinc(near / _RADIUS)
        rows.append(np.tensordot(weights / weights.sum(), values[first : last + 1].astype(np.float64), axes=1))
    return np.stack(rows)


def _across(values: NDArray[np.generic], size: int) -> NDArray[np.float64]:
    return _down(values.swapaxes(0, 1), size).swapaxes(0, 1)
