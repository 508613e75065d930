"""What a model says of images, as tables of margins: calibrating and scoring them needs neither model nor features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from roadwork.evaluate.margins import Margins
from roadwork.evaluate.modes import MODES
from roadwork.evaluate.unseen import SPLITS
from roadwork.train.features import FeatureTable


def unseen_margins(table: FeatureTable, head: Margins, splits: Sequence[str] = SPLITS) -> pd.DataFrame:
    """What `head`, fitted to other images, says of the labelled images of `splits`, split by split.

    Columns: image_id, split, label, block, and for each mode margin_<mode>.
    """
    parts = {split: labelled(table, split) for split in splits}
    found = pd.concat([_described(part, split) for split, part in parts.items()], ignore_index=True)
    said = [head(part) for part in parts.values()]
    for mode in MODES:
        found[f"margin_{mode}"] = np.concatenate([margins[mode] for margins in said])
    return found


def labelled(table: FeatureTable, split: str) -> FeatureTable:
    """The rows of `split` that have a label."""
    return table.rows((table.split == split) & (table.labels.cpu().numpy() >= 0))


def _described(part: FeatureTable, split: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image_id": part.image_ids,
            "split": np.full(len(part), split, dtype=object),
            "label": part.labels.cpu().numpy().astype(np.int8),
            "block": part.block.astype(np.int32),
        }
    )
