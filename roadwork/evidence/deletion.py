"""Deletion: what the head says when one view is withheld."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from roadwork.model.head import Head
from roadwork.train.features import FeatureTable
from roadwork.train.inference import at_rest, margins_of, metadata_of

_PASSES = 512
"""Forward passes at once: 29 MB of embeddings for 11 views of 1280 numbers."""


def withheld_margins(
    head: Head,
    table: FeatureTable,
    margins: NDArray[np.float64],
    kept: NDArray[np.bool_],
    *,
    hide_metadata: bool,
    device: torch.device,
) -> NDArray[np.float64]:
    """Margin of each image with each of its views withheld, `[image view]`.

    `margins [image]` and `kept [image view]` are the head's with all views. The head judges the others under their own
    indices, and prunes them anew: the best view that had been dropped takes the withheld one's place. Withholding a
    view that had been dropped changes nothing, so it keeps the margin of all views and costs no pass.
    """
    views = table.embeddings.shape[1]
    found = np.repeat(margins[:, None], views, axis=1)
    every = torch.arange(views)
    others = torch.stack([every[every != view] for view in range(views)])  # [withheld view-1]
    pairs = np.argwhere(kept)
    with at_rest(head, device):
        for start in range(0, len(pairs), _PASSES):
            images, withheld = torch.from_numpy(pairs[start : start + _PASSES]).unbind(dim=1)
            given = others[withheld]
            of_all = table.embeddings.gather(images)
            embeddings = of_all[torch.arange(len(images)).unsqueeze(1), given].to(device).float()
            metadata = metadata_of(table, images, device, hide=hide_metadata)
            logits = head(embeddings, metadata, given.to(device)).logits
            found[images.numpy(), withheld.numpy()] = margins_of(logits.float().cpu())
    return found
