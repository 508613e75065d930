import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from roadwork.embed.store import write_image_store, write_text_store
from roadwork.errors import DataError, StoreError
from roadwork.train.data_digest import data_digest

IDS = [f"{number:064x}" for number in range(1, 4)]


def write(folder, *, value=1.0, fingerprint="a", text=1.0, label=1, role="test"):
    paths = [folder / name for name in ("images.zarr", "text.zarr", "manifest.parquet", "folds.parquet")]
    images = np.full((3, 2, 4), value, np.float16)
    write_image_store(paths[0], IDS, [images], view_count=2, dim=4, attributes={"fingerprint": fingerprint})
    write_text_store(paths[1], IDS, np.full((3, 4), text), np.ones(3, bool), attributes={})
    pd.DataFrame({"image_id": IDS, "label": label}).to_parquet(paths[2])
    pd.DataFrame({"image_id": IDS, "role_0": role}).to_parquet(paths[3])
    return paths


def test_equal_data_has_an_equal_digest(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert data_digest(*write(tmp_path / "one")) == data_digest(*write(tmp_path / "two"))


@pytest.mark.parametrize(
    "change", [{"value": 1.001}, {"fingerprint": "b"}, {"text": 2.0}, {"label": 0}, {"role": "train"}]
)
def test_everything_that_is_trained_on_is_in_it(tmp_path, change):
    before = data_digest(*write(tmp_path))
    assert data_digest(*write(tmp_path, **change)) != before


@pytest.mark.parametrize(("number", "stage"), [*enumerate(["embed_images", "embed_text", "ingest", "folds"])])
def test_what_is_missing_names_its_stage(tmp_path, number, stage):
    paths = write(tmp_path)
    (shutil.rmtree if paths[number].is_dir() else type(paths[number]).unlink)(paths[number])
    with pytest.raises((StoreError, DataError), match=paths[number].name) as caught:
        data_digest(*paths)
    assert stage in caught.value.fix


def test_a_store_without_a_seal_is_refused(tmp_path):
    paths = write(tmp_path)
    (paths[0] / "zarr.json").write_text("{}")
    with pytest.raises(StoreError, match="it has no seal"):
        data_digest(*paths)


def test_no_tensor_library_is_loaded_for_it():
    code = "import sys, roadwork.train.data_digest; print(sorted({'torch', 'zarr', 'pandas'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
