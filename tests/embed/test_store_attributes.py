"""What a store says of itself is what Zarr reads there, and is believed only under its seal."""

import subprocess
import sys

import numpy as np
import pytest

from roadwork.embed.store import read_image_store, write_image_store
from roadwork.embed.store_attributes import read_store_attributes
from roadwork.errors import StoreError

ATTRIBUTES = {"fingerprint": "f" * 64, "manifest_digest": "m" * 64, "provenance": {"backbone": {"dim": 4}}}


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "images.zarr"
    ids = [f"{number:064x}" for number in range(3)]
    write_image_store(path, ids, [np.ones((3, 2, 4))], view_count=2, dim=4, attributes=ATTRIBUTES)
    return path


def test_they_are_those_that_zarr_reads(store):
    found = read_store_attributes(store, stage="embed_images")
    assert found == read_image_store(store).attributes
    assert {name: found[name] for name in ATTRIBUTES} == ATTRIBUTES


def test_no_store_names_its_stage(tmp_path):
    with pytest.raises(StoreError, match=r"(?s)does not exist.*run `roadwork embed_images` first"):
        read_store_attributes(tmp_path / "none.zarr", stage="embed_images")


def test_an_edited_or_missing_file_is_found(store):
    path = store / "zarr.json"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"ffff", b"fffe", 1))
    with pytest.raises(StoreError, match=r"(?s)damaged.*run `roadwork embed_images` again"):
        read_store_attributes(store, stage="embed_images")
    path.unlink()
    with pytest.raises(StoreError, match="damaged"):
        read_store_attributes(store, stage="embed_images")
    path.write_bytes(content)
    next(file for file in store.rglob("c/0/*/*") if file.is_file()).unlink()
    with pytest.raises(StoreError, match="damaged"):
        read_store_attributes(store, stage="embed_images")


def test_neither_zarr_nor_torch():
    code = "import sys, roadwork.embed.store_attributes; print({'zarr', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
