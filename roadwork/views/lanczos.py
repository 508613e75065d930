"""LANCZOS as matrices: the filter is linear and separable, so a view is two products with precomputed weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RADIUS = 3


def lanczos_weights(length: int, size: int) -> NDArray[np.float64]:
    """Weights `[size length]` that bring `length` pixels to `size`: each row is one target pixel's, with the sum 1.

    `lanczos(x) = sinc(x) sinc(x / 3)` for |x| < 3 (C. E. Duchon, 1979), widened by length / size when shrinking, as
    Pillow and PyTorch do it: over the pixels whose centres lie within the filter, normalised at the edges too.
    """
    scale = length / size
    stretch = max(scale, 1.0)
    centres = (np.arange(size) + 0.5) * scale
    distance = (np.arange(length) + 0.5 - centres[:, None]) / stretch
    weights = np.where(np.abs(distance) < _RADIUS, np.sinc(distance) * np.sinc(distance / _RADIUS), 0.0)
    return weights / weights.sum(axis=1, keepdims=True)
