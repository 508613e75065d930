from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from roadwork.errors import DataError
from roadwork.views.geometry import ViewsConfig, view_boxes, view_names
from roadwork.views.table import boxes_of, view_table

CONFIG = ViewsConfig(grid=3, overlap=0.25, size_px=224, decoder="cpu")
IMAGES = pd.DataFrame({"image_id": ["c", "a", "b"], "width_px": [640, 4032, 640], "height_px": [480, 3024, 480]})


def test_twelve_rows_per_image_in_manifest_order():
    table = view_table(IMAGES, CONFIG)
    assert list(table.columns) == ["image_id", "view", "name", "left_px", "top_px", "right_px", "bottom_px"]
    assert table["image_id"].tolist() == ["c"] * 12 + ["a"] * 12 + ["b"] * 12
    assert table["view"].tolist() == list(range(12)) * 3
    assert table["name"].tolist() == list(view_names(3)) * 3
    assert table["view"].dtype == np.int16
    assert table["left_px"].dtype == np.int32


def test_boxes_survive_parquet(tmp_path):
    path = tmp_path / "views.parquet"
    view_table(IMAGES, CONFIG).to_parquet(path, index=False)
    boxes = boxes_of(pd.read_parquet(path))
    assert boxes.shape == (3, 12, 4)
    np.testing.assert_array_equal(boxes[1], view_boxes(4032, 3024, grid=3, overlap=0.25))
    np.testing.assert_array_equal(boxes[0], boxes[2])


def test_no_images_no_views():
    table = view_table(IMAGES.iloc[:0], CONFIG)
    assert len(table) == 0
    assert boxes_of(table).shape[0] == 0


@pytest.mark.parametrize(
    "order", [list(range(35)), [1, 0, *range(2, 36)], [*range(11), *range(12, 24), 11, *range(24, 36)]]
)
def test_a_damaged_table_is_refused(order):
    with pytest.raises(DataError, match="damaged"):
        boxes_of(view_table(IMAGES, CONFIG).iloc[order].reset_index(drop=True))
