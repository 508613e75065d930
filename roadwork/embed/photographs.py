"""From the rows of the manifest to what is embedded."""

from __future__ import annotations

import numpy as np
import pandas as pd

from roadwork.data.manifest import Manifest
from roadwork.embed.photograph import Photograph
from roadwork.errors import StoreError
from roadwork.views.geometry import ViewsConfig
from roadwork.views.table import boxes_of, view_table


def photographs_of(manifest: Manifest, table: pd.DataFrame, views: ViewsConfig) -> list[Photograph]:
    """The manifest's rows with the boxes of their views from the view table, in the manifest's order.

    Raises StoreError when `table` isn't what `views` gives for this manifest: its boxes would be embedded under the
    fingerprint of others.
    """
    frame = manifest.frame
    if not table.reset_index(drop=True).equals(view_table(frame, views)):
        raise StoreError(
            "the view table belongs to another manifest or other view parameters",
            rule="its rows are those that `views` gives for the images of the manifest",
            fix="run `roadwork tile` again",
        )
    boxes = boxes_of(table)
    pixels = frame["width_px"].to_numpy(np.int64) * frame["height_px"].to_numpy(np.int64)
    return [
        Photograph(str(image_id), manifest.photograph(row), boxes[row], int(pixels[row]))
        for row, image_id in enumerate(frame["image_id"])
    ]
