import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef

from roadwork.data.manifest import manifest_frame
from roadwork.data.null_tables import COLUMNS, label_counts, null_tables, telling_fields


@pytest.fixture
def frame():
    """Twelve images: a description for four of five with roadwork and one of five without; two are not counted."""
    rows = [
        {
            "image_id": f"{i}", "path": f"{i}", "split": ("train", "val", "test")[i % 3], "label": i % 2,
            "description": "a sentence" if i in (1, 3, 5, 7, 8) else None,
            "latitude_deg": 1.0, "longitude_deg": 2.0, "weather": "sunny" if i < 4 else None,
        }
        for i in range(10)
    ]  # fmt: skip
    rows.append({**rows[1], "image_id": "10", "split": "holdout"})
    rows.append({**rows[1], "image_id": "11", "split": "test", "label": None})
    return manifest_frame([{**row, "width_px": 1, "height_px": 1} for row in rows])


def test_counts_by_label_without_holdout_and_unlabelled(frame):
    tables = null_tables(frame)
    assert tuple(tables) == tuple(COLUMNS)
    assert tables["text"]["known"] == {"roadwork": 4, "none": 1}
    assert tables["text"]["null"] == {"roadwork": 1, "none": 4}
    assert tables["gps"]["null"] == {"roadwork": 0, "none": 0}
    assert tables["weather"]["known"] == {"roadwork": 2, "none": 2}


def test_the_mcc_is_that_of_being_known(frame):
    tables = null_tables(frame)
    labels = np.arange(10) % 2
    known = np.isin(np.arange(10), (1, 3, 5, 7, 8))
    assert tables["text"]["mcc"] == pytest.approx(matthews_corrcoef(labels, known)) == pytest.approx(0.6)
    assert tables["weather"]["mcc"] == 0  # known for two of each
    assert tables["gps"]["mcc"] == 0  # always known
    assert tables["scene"]["mcc"] == 0  # never known


def test_telling_is_half_or_more_in_either_direction(frame):
    assert telling_fields(null_tables(frame)) == ["text"]
    swapped = frame.assign(label=pd.array(1 - frame["label"], dtype="Int8"))
    assert null_tables(swapped)["text"]["mcc"] == pytest.approx(-0.6)
    assert telling_fields(null_tables(swapped)) == ["text"]
    weaker = frame.assign(description=frame["description"].where(frame.index != 7))
    assert null_tables(weaker)["text"]["mcc"] < 0.5
    assert telling_fields(null_tables(weaker)) == []


def test_one_class_tells_nothing(frame):
    assert null_tables(frame.assign(label=pd.array([1] * len(frame), dtype="Int8")))["text"]["mcc"] == 0


def test_label_counts():
    assert label_counts([1, 0, 1, 1]) == {"roadwork": 3, "none": 1}
    assert label_counts([]) == {"roadwork": 0, "none": 0}
