import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roadwork.data.manifest import COLUMNS, DTYPES, Manifest, manifest_frame, read_manifest, write_manifest
from roadwork.errors import DataError


def rows():
    first = {
        "image_id": hashlib.sha256(b"1").hexdigest(), "path": "images/ü.jpg", "width_px": 640, "height_px": 480,
        "split": "train", "label": 1, "latitude_deg": 41.5, "longitude_deg": -81.7, "weather": "sunny",
        "description": "cones, \"signs\"", "group": "a", "source": "folder",
    }  # fmt: skip
    return [first, {**dict.fromkeys(COLUMNS), **{name: first[name] for name in ("width_px", "height_px", "source")},
                    "image_id": hashlib.sha256(b"2").hexdigest(), "path": "b.jpg", "split": "test"}]  # fmt: skip


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    manifest = Manifest(manifest_frame(rows()), tmp_path / "data")
    write_manifest(manifest, tmp_path / "data" / "manifest.parquet")
    again = read_manifest(tmp_path / "data" / "manifest.parquet")
    pd.testing.assert_frame_equal(again.frame, manifest.frame)
    assert {name: str(dtype) for name, dtype in again.frame.dtypes.items()} == DTYPES
    assert tuple(again.frame.columns) == COLUMNS
    assert again.digest == manifest.digest
    assert len(again) == 2
    assert again.photograph(0) == tmp_path / "data" / "images" / "ü.jpg"
    assert again.frame["label"].isna().tolist() == [False, True]
    assert np.isnan(again.frame["latitude_deg"][1])


def test_the_same_manifest_gives_the_same_bytes(tmp_path):
    for name in ("a.parquet", "b.parquet"):
        write_manifest(Manifest(manifest_frame(rows()), tmp_path), tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_relative_root_moves_with_the_project(tmp_path, monkeypatch):
    (tmp_path / "one" / "photos").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "one")
    write_manifest(Manifest(manifest_frame(rows()), Path("photos")), Path("data/manifest.parquet"))
    (tmp_path / "one").rename(tmp_path / "two")
    again = read_manifest(tmp_path / "two" / "data" / "manifest.parquet")
    assert again.photograph(1).resolve() == (tmp_path / "two" / "photos" / "b.jpg").resolve()


def test_an_absolute_root_stays(tmp_path):
    write_manifest(Manifest(manifest_frame(rows()), tmp_path / "photos"), tmp_path / "data" / "manifest.parquet")
    assert read_manifest(tmp_path / "data" / "manifest.parquet").root == tmp_path / "photos"


def test_the_digest_tells_every_column_and_the_row_order_but_not_the_root(tmp_path):
    frame = manifest_frame(rows())
    digest = Manifest(frame, tmp_path).digest
    assert Manifest(frame, tmp_path / "elsewhere").digest == digest
    assert Manifest(frame.iloc[::-1].reset_index(drop=True), tmp_path).digest != digest
    for name in COLUMNS:
        other = frame.copy()
        other.loc[0, name] = "other" if DTYPES[name] == "str" else 0
        assert Manifest(other, tmp_path).digest != digest, name


def test_the_digest_is_known():
    """It stands in stores and bundles: a change of its recipe makes them all stale."""
    assert Manifest(manifest_frame(rows()), Path()).digest == GOLDEN


GOLDEN = "7e6b6196de32bc1e0326e6f25652ac1ec4868d3f268ec21918a327f9ed30cb07"


def test_a_missing_or_damaged_manifest_is_told(tmp_path):
    path = tmp_path / "manifest.parquet"
    with pytest.raises(DataError, match="there is no manifest"):
        read_manifest(path)
    path.write_bytes(b"PAR1 nonsense")
    with pytest.raises(DataError, match="can't be read"):
        read_manifest(path)
    pq.write_table(pa.table({"path": ["a.jpg"]}), path)
    with pytest.raises(DataError, match="no manifest of this version"):
        read_manifest(path)
    twice = manifest_frame([rows()[0], rows()[0]])
    write_manifest(Manifest(twice, tmp_path), path)
    with pytest.raises(DataError, match="stands twice"):
        read_manifest(path)
