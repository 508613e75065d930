import base64
import hashlib
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from roadwork.data.manifest import Manifest, manifest_frame
from roadwork.errors import DataError, PhotographError
from roadwork.evidence.columns import DTYPES
from roadwork.report.gallery import Predicted, choose, gallery
from roadwork.views.geometry import ViewsConfig, view_names

VIEWS = ViewsConfig(grid=2, overlap=0.25, size_px=32, decoder="cpu")


def said(*triples):
    return [Predicted(image_id, label, probability) for image_id, label, probability in triples]


PREDICTIONS = said(
    ("a", 1, 0.9), ("b", 0, 0.95), ("c", 1, 0.2), ("d", 0, 0.5), ("e", 1, 0.51), ("f", 0, 0.44), ("g", 0, 0.05)
)  # fmt: skip


def names(found):
    return ["".join(one.image_id for one in part) for part in found]


def test_errors_are_the_most_confident_and_closest_calls_the_rest():
    assert names(choose(PREDICTIONS, 2)) == ["bc", "de"]
    assert names(choose(PREDICTIONS, 9)) == ["bcd", "efag"]
    assert names(choose(PREDICTIONS, 0)) == ["", ""]


def test_half_is_called_roadwork():
    assert Predicted("d", 0, 0.5).wrong
    assert not Predicted("d", 1, 0.5).wrong


def test_equal_distances_go_by_image_id():
    assert names(choose(said(("z", 1, 0.25), ("y", 0, 0.75), ("x", 1, 0.75)), 1)) == ["y", "x"]


@pytest.fixture
def photographs(tmp_path):
    """Two photographs, one upright and small, with the evidence of their views."""
    rows, tables = [], []
    for name, size, label in (("wide.jpg", (900, 600), 0), ("high.jpg", (300, 500), 1)):
        Image.fromarray(np.full((size[1], size[0], 3), 120, np.uint8)).save(tmp_path / name)
        image_id = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        rows.append(
            {
                "image_id": image_id, "path": name, "width_px": size[0], "height_px": size[1], "split": "test",
                "label": label, "latitude_deg": 47.37 if label else None, "longitude_deg": 8.54 if label else None,
                "weather": "rainy" if label else None, "source": "folder",
            }
        )  # fmt: skip
        views = view_names(2)
        changes = [0.0, 0.2, -0.3, 0.1, 0.0, 0.0, 0.0] if label else [0.0] * 7
        table = {"image_id": image_id, "view": range(7), "name": views, "gate": 0.5, "kept": True, "logit": 0.1}
        tables.append(pd.DataFrame(table | {"deletion": changes}).astype(DTYPES))
    predictions = [Predicted(row["image_id"], row["label"], 0.7) for row in rows]
    return predictions, pd.concat(tables, ignore_index=True), Manifest(manifest_frame(rows), tmp_path)


def test_an_exhibit_shows_the_photograph_and_what_is_known_of_it(photographs):
    found = gallery(*photographs, VIEWS, count=3)
    assert (found.mistakes, found.images) == (1, 2)
    (error,), (close,) = found.errors, found.closest
    assert (error.path, error.label, error.said, error.wrong) == ("wide.jpg", "none", "roadwork", True)
    assert (close.path, close.label, close.said, close.wrong) == ("high.jpg", "roadwork", "roadwork", False)
    assert dict(close.facts) == {
        "position": "47.4° N, 8.5° E", "size": "300 × 500 px", "weather": "rainy", "daytime": None, "scene": None,
        "description": None, "group": None,
    }  # fmt: skip
    assert dict(error.facts)["position"] is None
    assert [(name, round(change, 3)) for name, change in close.views] == [
        ("tile_1_2", -0.3),
        ("tile_1_1", 0.2),
        ("tile_2_1", 0.1),
    ]
    assert error.views == ()


def test_pictures_are_scaled_down_and_never_up(photographs):
    found = gallery(*photographs, VIEWS, count=3)
    widths = [
        Image.open(io.BytesIO(base64.b64decode(one.picture.split(",", 1)[1]))).size
        for one in (*found.errors, *found.closest)
    ]
    assert widths == [(640, 427), (300, 500)]


def test_a_photograph_that_cannot_be_read_is_named(photographs, tmp_path):
    predictions, evidence, manifest = photographs
    (tmp_path / "wide.jpg").unlink()
    with pytest.raises(PhotographError, match=r"(?s)no longer there.*wide\.jpg"):
        gallery(predictions, evidence, manifest, VIEWS, count=1)
    (tmp_path / "wide.jpg").write_bytes(b"something else")
    with pytest.raises(PhotographError, match=r"(?s)not the one that was ingested.*wide\.jpg"):
        gallery(predictions, evidence, manifest, VIEWS, count=1)


def test_an_image_without_evidence_or_manifest_is_refused(photographs):
    predictions, evidence, manifest = photographs
    with pytest.raises(DataError, match="has no evidence"):
        gallery(predictions, evidence.iloc[7:], manifest, VIEWS, count=1)
    with pytest.raises(DataError, match="not in the manifest"):
        gallery(said(("f" * 64, 0, 0.9)), evidence, manifest, VIEWS, count=1)
