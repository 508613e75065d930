from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipeline import tile
from pipeline.paths import CONTACT_SHEET, MANIFEST, VIEWS
from roadwork.data.manifest import Manifest, manifest_frame, read_manifest, write_manifest
from roadwork.errors import ParameterError, PhotographError
from roadwork.storage.objects import delete_object, write_object
from roadwork.storage.place import place_of
from roadwork.views.geometry import view_boxes
from roadwork.views.table import boxes_of

SIZES = {"a.png": (64, 48), "b.png": (48, 64), "c.png": (64, 48)}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project folder with a manifest of three photographs, and it is the working directory."""
    monkeypatch.chdir(tmp_path)
    rows: list[dict[str, object]] = []
    for number, (name, (width, height)) in enumerate(SIZES.items()):
        pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        path = tmp_path / "data" / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        rows.append({"image_id": f"{number:064x}", "path": f"images/{name}", "width_px": width, "height_px": height,
                     "split": "train", "label": 0, "source": "folder"})  # fmt: skip
    write_manifest(Manifest(manifest_frame(rows), tmp_path / "data"), MANIFEST)
    (tmp_path / "params.yaml").write_text("views: {grid: 3, overlap: 0.25, size_px: 32, decoder: cpu}\n")
    return tmp_path


def test_writes_twelve_boxes_per_image_and_a_picture(project):
    summary = tile.run()
    assert summary["images"] == 3
    assert summary["views"] == 36
    assert sorted(summary["shown"]) == sorted(SIZES)
    boxes = boxes_of(pd.read_parquet(VIEWS))
    np.testing.assert_array_equal(boxes[1], view_boxes(48, 64, grid=3, overlap=0.25))
    with Image.open(CONTACT_SHEET) as sheet:
        assert sheet.format == "JPEG"
        assert sheet.height > 1800


def test_the_same_manifest_gives_the_same_bytes(project):
    tile.run()
    first = VIEWS.read_bytes(), CONTACT_SHEET.read_bytes()
    tile.run()
    assert (VIEWS.read_bytes(), CONTACT_SHEET.read_bytes()) == first


def test_another_parameter_file(project):
    other = project / "other.yaml"
    other.write_text("views: {grid: 2, overlap: 0.5, size_px: 32, decoder: cpu}\n")
    assert tile.run(other)["views"] == 3 * 7


def test_a_wrong_parameter_is_named(project):
    (project / "params.yaml").write_text("views: {grid: 3, overlap: 1.5, size_px: 32, decoder: cpu}\n")
    with pytest.raises(ParameterError, match=r"views\.overlap"):
        tile.run()


def test_a_photograph_that_went_missing_is_named(project):
    (project / "data" / "images" / "b.png").unlink()
    with pytest.raises(PhotographError, match=r"(?s)b\.png.*`roadwork ingest` again"):
        tile.run()


def test_a_photograph_that_cannot_be_decoded_leaves_both_outputs_as_they_were(project):
    photograph = project / "data" / "images" / "b.png"
    complete = photograph.read_bytes()
    photograph.write_bytes(complete[:100])
    with pytest.raises(PhotographError, match=r"b\.png"):
        tile.run()
    assert not VIEWS.exists()
    assert not CONTACT_SHEET.exists()
    photograph.write_bytes(complete)
    tile.run()
    before = VIEWS.read_bytes(), CONTACT_SHEET.read_bytes()
    photograph.write_bytes(complete[:100])
    (project / "params.yaml").write_text("views: {grid: 2, overlap: 0.5, size_px: 32, decoder: cpu}\n")
    with pytest.raises(PhotographError):
        tile.run()
    assert (VIEWS.read_bytes(), CONTACT_SHEET.read_bytes()) == before


def test_photographs_in_an_object_store_give_the_same_picture(project):
    tile.run()
    expected = VIEWS.read_bytes(), CONTACT_SHEET.read_bytes()
    store = place_of(f"memory://{uuid4().hex}/archive", parameter="test")
    for name in SIZES:
        write_object(store / "images" / name, (project / "data" / "images" / name).read_bytes())
    write_manifest(Manifest(read_manifest(MANIFEST).frame, store), MANIFEST)
    tile.run()
    assert (VIEWS.read_bytes(), CONTACT_SHEET.read_bytes()) == expected
    delete_object(store / "images" / "a.png")
    with pytest.raises(PhotographError, match=r"a\.png"):
        tile.run()
