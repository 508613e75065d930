"""The images that the pretrained head is judged on: those it was not fitted to, as manifest and folds tell them."""

from __future__ import annotations

import numpy as np
import pandas as pd

SPLITS = ("val", "test", "holdout")
"""val chose the epoch and the calibration; test and holdout chose nothing."""


def unseen_images(frame: pd.DataFrame, divided: pd.DataFrame) -> pd.DataFrame:
    """The labelled images of `SPLITS`, split by split, each in the manifest's order: image_id, split, label, block.

    `frame` is the manifest's, `divided` the table of folds: row by row of the same images.
    """
    known = pd.DataFrame(
        {
            "image_id": frame["image_id"].astype(str).to_numpy(),
            "split": divided["split"].fillna("").astype(str).to_numpy(),
            "label": frame["label"].astype("Int64").fillna(-1).to_numpy(dtype=np.int64),
            "block": divided["block"].to_numpy(dtype=np.int64),
        }
    )
    known = known.loc[known["label"] >= 0]
    return pd.concat([known.loc[known["split"] == split] for split in SPLITS], ignore_index=True)
