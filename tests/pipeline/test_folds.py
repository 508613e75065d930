import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import folds
from pipeline.paths import FOLDS, MANIFEST
from roadwork.data.manifest import Manifest, manifest_frame, write_manifest
from roadwork.errors import DataError, SplitError

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(PARAMS, "params.yaml")
    return tmp_path


def photographs(test, train, shared_group=False):
    rng = np.random.default_rng(0)
    rows = [
        {
            "image_id": f"{number:064x}", "path": f"{number}.jpg", "width_px": 640, "height_px": 480,
            "split": "test" if number < test else "train", "label": number % 2, "source": "sample",
            "latitude_deg": 50 + rng.normal(0, 0.1), "longitude_deg": 10 + rng.normal(0, 0.1),
            "group": "drive" if shared_group and number in (0, test) else None,
        }
        for number in range(test + train)
    ]  # fmt: skip
    write_manifest(Manifest(manifest_frame(rows), Path("data")), MANIFEST)


def test_writes_what_it_reports(project):
    photographs(test=60, train=60)
    summary = folds.run()
    divided = pd.read_parquet(FOLDS)
    assert len(divided) == summary["images"] == 120
    assert [name for name in divided if name.startswith("role_")] == [f"role_{number}" for number in range(5)]
    assert (divided["split"] == "val").sum() == summary["splits"]["val"]["images"] == 9
    assert summary["folds"]["3"]["test"]["images"] == (divided["fold"] == 3).sum()


def test_says_when_the_source_tears_a_block_apart(project, capsys):
    photographs(test=60, train=60, shared_group=True)
    assert folds.run()["train_images_in_test_blocks"] >= 1
    assert "share a group or place with test images" in capsys.readouterr().err.replace("\n", " ")


def test_impossible_folds_write_nothing(project):
    photographs(test=4, train=60)
    with pytest.raises(SplitError, match=r"5 folds"):
        folds.run()
    assert not FOLDS.exists()


def test_without_manifest(project):
    with pytest.raises(DataError, match="manifest"):
        folds.run()
