"""The table of all views: one row per image and view, in manifest order."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from roadwork.errors import DataError
from roadwork.views.geometry import ViewsConfig, view_boxes, view_names

BOX_COLUMNS = ("left_px", "top_px", "right_px", "bottom_px")
COLUMNS = ("image_id", "view", "name", *BOX_COLUMNS)


def view_table(images: pd.DataFrame, config: ViewsConfig) -> pd.DataFrame:
    """The views of `images` (columns `image_id`, `width_px`, `height_px`), in their order.

    Columns: image_id, view (int16, from 0), name, left_px, top_px, right_px, bottom_px (int32, in the upright image).
    """
    names = view_names(config.grid)
    sizes = list(zip(images["width_px"].tolist(), images["height_px"].tolist(), strict=True))
    by_size = {
        (width, height): view_boxes(width, height, grid=config.grid, overlap=config.overlap)
        for width, height in set(sizes)
    }
    empty = np.empty((0, 4), dtype=np.int32)
    boxes = np.concatenate([by_size[size] for size in sizes]) if sizes else empty
    table = {
        "image_id": np.repeat(images["image_id"].to_numpy(dtype=object), len(names)),
        "view": np.tile(np.arange(len(names), dtype=np.int16), len(images)),
        "name": list(names) * len(images),
    }
    table |= {column: boxes[:, index] for index, column in enumerate(BOX_COLUMNS)}
    return pd.DataFrame(table).astype({"image_id": "str", "name": "str"})


def boxes_of(table: pd.DataFrame) -> NDArray[np.int32]:
    """The boxes of a view table, `[image view 4]`: left, top, right, bottom.

    Raises DataError unless the table's images all have the same views, together and in order.
    """
    if table.empty:
        return np.empty((0, 0, 4), dtype=np.int32)
    views = int(table["view"].to_numpy().max()) + 1
    ids = table["image_id"].to_numpy(dtype=object)
    whole = len(table) % views == 0 and np.array_equal(table["view"], np.tile(np.arange(views), len(table) // views))
    if not whole or (ids.reshape(-1, views) != ids[::views, None]).any():
        raise DataError(
            "the table of views is damaged",
            rule=f"each image has its {views} views together and in order",
            fix="run the stage `tile` again",
        )
    return table[list(BOX_COLUMNS)].to_numpy(dtype=np.int32).reshape(-1, views, 4)
