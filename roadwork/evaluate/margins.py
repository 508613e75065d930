"""A head as what every score is computed from: a function from images to margins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from roadwork.model.head import Head
from roadwork.train.features import FeatureTable
from roadwork.train.inference import margins

_BATCH_IMAGES = 256

Margins = Callable[[FeatureTable, bool], NDArray[np.float64]]
"""A model: margins `[image]` of a table, the metadata hidden when the second argument is true."""


def head_margins(head: Head, device: torch.device) -> Margins:
    """`head` as a function of a table and of whether to hide its metadata, giving margins `[image]`, in float32."""
    return lambda table, hide: margins(head, table, hide_metadata=hide, batch_size=_BATCH_IMAGES, device=device)
