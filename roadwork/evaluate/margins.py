"""A head as what every score is computed from: a function from images to margins."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from roadwork.evaluate.modes import MODES, hides_metadata
from roadwork.model.head import Head
from roadwork.train.features import FeatureTable
from roadwork.train.inference import answers, margins_of

_BATCH_IMAGES = 256

Margins = Callable[[FeatureTable], Mapping[str, NDArray[np.float64]]]
"""A model: for each of `MODES` the margins `[image]` of a table."""


def head_margins(head: Head, device: torch.device) -> Margins:
    """`head` as a function of a table, giving margins `[image]` in float32; each image is looked at once."""

    def ask(table: FeatureTable) -> dict[str, NDArray[np.float64]]:
        found = answers(head, table, batch_size=_BATCH_IMAGES, device=device)
        return {mode: margins_of(found.logits(hide_metadata=hides_metadata(mode))) for mode in MODES}

    return ask
