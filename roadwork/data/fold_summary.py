"""How many images and blocks of each class every split and fold got."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def fold_summary(frame: pd.DataFrame, divided: pd.DataFrame) -> dict[str, Any]:
    """Counts for JSON: per split, per outer fold and its inner parts, and what the source's own split tears apart.

    `train_images_in_test_blocks` counts train and val images that share a block with a test image: the stage never
    makes such a division, but keeps one that the source gives.
    """
    label = frame["label"].fillna(-1).to_numpy(dtype=np.int64)
    block = divided["block"].to_numpy()
    split = divided["split"].to_numpy(dtype=object)
    fitted = np.isin(split, ["train", "val"])
    roles = {name.removeprefix("role_"): divided[name] for name in divided.columns if name.startswith("role_")}
    return {
        "images": len(divided),
        "blocks": len(np.unique(block)),
        "splits": {str(name): _counts(label, block, split == name) for name in sorted(set(split))},
        "folds": {
            number: {part: _counts(label, block, (role == part).to_numpy()) for part in ("train", "val", "test")}
            for number, role in roles.items()
        },
        "train_images_in_test_blocks": int(np.isin(block[fitted], block[split == "test"]).sum()),
    }


def _counts(label: NDArray[np.int64], block: NDArray[np.int32], rows: NDArray[np.bool_]) -> dict[str, int]:
    return {
        "images": int(rows.sum()),
        "roadwork": int((label[rows] == 1).sum()),
        "none": int((label[rows] == 0).sum()),
        "blocks": len(np.unique(block[rows])),
    }
