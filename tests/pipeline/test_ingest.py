import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline import ingest
from roadwork.config import read_params
from roadwork.data.manifest import read_manifest
from roadwork.errors import DataError, ParameterError

PARAMS = Path(__file__).parents[2] / "params.yaml"


def photograph(number):
    stream = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), number, dtype=np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's folder; calling it writes `params.yaml` with a changed `ingest` section."""
    monkeypatch.chdir(tmp_path)

    def write(**changes):
        params = read_params(PARAMS)
        params["ingest"] = {**params["ingest"], "sample": {"images": 32, "max_width_px": 128}, **changes}
        Path("params.yaml").write_text(json.dumps(params))
        return tmp_path

    return write


def test_the_stage_writes_what_it_declares(project):
    project()
    summary = ingest.run()
    manifest = read_manifest(Path("data/manifest.parquet"))
    assert len(manifest) == summary["accepted"] == 32
    assert all(manifest.photograph(index).is_file() for index in range(32))
    assert Path("data/rejects.csv").read_text() == "file,column,value,rule\n"
    assert json.loads(Path("metrics/ingest.json").read_text()) == summary
    assert summary["manifest_digest"] == manifest.digest


def test_twice_gives_the_same_and_nothing_stale_stays(project):
    project()
    first = ingest.run()
    Path("data/images/stale.jpg").write_bytes(b"x")
    names = {file.name for file in Path("data/images").iterdir()} - {"stale.jpg"}
    assert ingest.run() == first
    assert {file.name for file in Path("data/images").iterdir()} == names
    assert sorted(path.name for path in Path("data").iterdir()) == ["images", "manifest.parquet", "rejects.csv"]


def test_a_folder_leaves_an_empty_image_folder(project):
    project(source="folder", path="photos", group_radius_m=0)
    for number in range(20):
        file = Path("photos", "roadwork" if number % 2 else "no_roadwork", f"{number}.jpg")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(photograph(number))
    ingest.run()
    assert list(Path("data/images").iterdir()) == []
    assert read_manifest(Path("data/manifest.parquet")).photograph(0).is_file()


def test_a_failure_writes_the_rejects_and_nothing_else(project):
    project(source="folder", path="photos")
    for name, content in (("roadwork/a.jpg", photograph(1)), ("no_roadwork/b.jpg", b"")):
        Path("photos", name).parent.mkdir(parents=True)
        Path("photos", name).write_bytes(content)
    with pytest.raises(DataError, match="1 of 2 rows are bad"):
        ingest.run()
    assert "no_roadwork/b.jpg,path" in Path("data/rejects.csv").read_text()
    assert [path.name for path in Path("data").iterdir()] == ["rejects.csv"]
    assert not Path("metrics").exists()


def test_a_failure_leaves_an_earlier_run_as_it_was(project):
    project()
    digest = ingest.run()["manifest_digest"]
    project(source="folder", path="nowhere")
    with pytest.raises(DataError, match="nothing at this path"):
        ingest.run()
    manifest = read_manifest(Path("data/manifest.parquet"))
    assert manifest.digest == digest
    assert manifest.photograph(0).is_file()


def test_missing_vocabularies_are_told(project):
    project()
    params = read_params(Path("params.yaml"))
    del params["metadata"]["vocabularies"]
    Path("params.yaml").write_text(json.dumps(params))
    with pytest.raises(ParameterError, match=r"metadata\.vocabularies"):
        ingest.run()


def test_rejects_of_an_earlier_run_never_pass_for_this_ones(project):
    project()
    ingest.run()
    project(source="folder", path="nowhere")
    with pytest.raises(DataError, match="nothing at this path"):
        ingest.run()
    assert not Path("data/rejects.csv").exists()
