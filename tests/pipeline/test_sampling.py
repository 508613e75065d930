import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from pipeline import sampling
from pipeline.paths import FOLDS, MANIFEST, SAMPLING, SAMPLING_METRICS, SAMPLING_PICTURE
from roadwork.data.manifest import Manifest, manifest_frame, write_manifest
from roadwork.errors import DataError, SamplingError

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(PARAMS, "params.yaml")
    return tmp_path


def photographs(near, far):
    """Ten test images in Berlin, `near` training images there and `far` in Hamburg."""
    places = [(52.5, 13.4)] * (10 + near) + [(53.55, 10.0)] * far
    rows = [
        {
            "image_id": f"{number:064x}", "path": f"{number}.jpg", "width_px": 640, "height_px": 480,
            "split": "test" if number < 10 else "train", "label": number % 2, "source": "sample",
            "latitude_deg": latitude, "longitude_deg": longitude,
        }
        for number, (latitude, longitude) in enumerate(places)
    ]  # fmt: skip
    frame = manifest_frame(rows)
    write_manifest(Manifest(frame, Path("data")), MANIFEST)
    frame[["image_id", "split"]].to_parquet(FOLDS, index=False)


def test_writes_table_metrics_and_picture(project, capsys):
    photographs(near=50, far=20)
    metrics = sampling.run()
    assert json.loads(SAMPLING_METRICS.read_text()) == metrics
    assert metrics["batch_size"] == 32
    assert sorted(set(pd.read_parquet(SAMPLING)["weight"])) == [1.0, 5.0]
    assert SAMPLING_PICTURE.read_text().startswith("<?xml")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "only 1 distinct positions" in printed.err.replace("\n", " ")


def test_a_failed_gate_writes_nothing(project):
    photographs(near=5, far=100)
    with pytest.raises(SamplingError, match="5 of 105 training images"):
        sampling.run()
    assert not any(path.exists() for path in (SAMPLING, SAMPLING_METRICS, SAMPLING_PICTURE))


def test_without_folds(project):
    photographs(near=5, far=1)
    FOLDS.unlink()
    with pytest.raises(DataError, match=r"there is no folds\.parquet") as caught:
        sampling.run()
    assert caught.value.fix == "run `roadwork folds`"


def test_damaged_folds_are_one_message(project):
    photographs(near=5, far=1)
    FOLDS.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"(?s)not readable as Parquet.*data/folds\.parquet.*roadwork folds"):
        sampling.run()
