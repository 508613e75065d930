"""The evidence as a head itself gives it, in margins: the head and its features are at hand where this is asked.

What a margin means as a probability is known later, from other images; `roadwork.evidence.table` then makes of it what
people are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from roadwork.evidence.columns import MARGIN_DTYPES
from roadwork.evidence.deletion import withheld_margins
from roadwork.model.head import Head
from roadwork.train.features import FeatureTable
from roadwork.train.inference import answers, margins_of

_BATCH_IMAGES = 256


class Uncalibrated(NamedTuple):
    """What one head says, over `image` and `view`."""

    margins: NDArray[np.float64]  # image
    withheld: NDArray[np.float64]  # image view; the margin without this view
    gates: NDArray[np.float32]  # image view; 0 where pruned
    logits: NDArray[np.float32]  # image view; the view's own margin, NaN where pruned


def uncalibrated(head: Head, table: FeatureTable, *, hide_metadata: bool, device: torch.device) -> Uncalibrated:
    """What `head` says of every image of `table`, with all views and without each."""
    found = answers(head, table, batch_size=_BATCH_IMAGES, device=device)
    own, margins = found.view_margins.numpy(), margins_of(found.logits(hide_metadata=hide_metadata))
    withheld = withheld_margins(head, table, margins, ~np.isnan(own), hide_metadata=hide_metadata, device=device)
    return Uncalibrated(margins, withheld, found.gates.numpy(), own)


def uncalibrated_table(table: FeatureTable, head: Head, names: Sequence[str], *, device: torch.device) -> pd.DataFrame:
    """What `head` says of every image of `table` from the image alone, all metadata hidden: a row per image and view.

    `names` are those of the views, in order. The columns are those of `MARGIN_DTYPES`.
    """
    found = uncalibrated(head, table, hide_metadata=True, device=device)
    images, views = found.gates.shape
    columns = {
        "image_id": np.repeat(np.array(table.image_ids, dtype=object), views),
        "view": np.tile(np.arange(views), images),
        "name": list(names) * images,
        "gate": found.gates.ravel(),
        "kept": ~np.isnan(found.logits.ravel()),
        "logit": found.logits.ravel(),
        "margin": np.repeat(found.margins, views),
        "withheld": found.withheld.ravel(),
    }
    return pd.DataFrame(columns).astype(MARGIN_DTYPES)
