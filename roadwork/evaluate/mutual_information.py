"""How much one thing says about another, in bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import mutual_info_score


def mutual_information_bits(labels: ArrayLike, values: ArrayLike) -> float | None:
    """Σ p(l, v) · log2(p(l, v) / (p(l) · p(v))) over the images' `labels` and `values`; None without an image.

    The plug-in estimate: k values that mean nothing still give about (k - 1) / (2 · n · ln 2) bits on n images of two
    classes (Miller 1955).
    """
    if not len(np.asarray(labels)):
        return None
    return max(0.0, float(mutual_info_score(labels, values)) / float(np.log(2)))
