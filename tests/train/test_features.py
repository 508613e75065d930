from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from roadwork.data.manifest import Manifest, manifest_frame, write_manifest
from roadwork.embed.store import write_image_store, write_text_store
from roadwork.errors import DataError, ParameterError, StoreError
from roadwork.train.data_digest import data_digest
from roadwork.train.embeddings import Resident
from roadwork.train.features import check_order, load_features
from roadwork.train.streamed import Streamed

N, VIEWS, DIM, TEXT = 6, 4, 5, 8


def ids(n=N):
    return [f"{i:064x}" for i in range(1, n + 1)]


class Project:
    """The four inputs of `load_features`, on disk."""

    def __init__(self, folder: Path) -> None:
        self.paths = [folder / name for name in ("images.zarr", "text.zarr", "manifest.parquet", "folds.parquet")]
        rng = np.random.default_rng(0)
        self.embeddings = rng.normal(size=(N, VIEWS, DIM)).astype(np.float16)
        self.text = rng.normal(size=(N, TEXT)).astype(np.float16)
        self.present = np.array([True, False] * 3)
        self.write_images(ids())
        write_text_store(self.paths[1], ids(), self.text, self.present, attributes={"fingerprint": "text"})
        rows = [
            {"image_id": image_id, "path": f"{i}.jpg", "width_px": 10, "height_px": 10, "split": "train", "source": "s"}
            for i, image_id in enumerate(ids())
        ]
        rows[0] |= {"label": 1, "latitude_deg": 48.5, "longitude_deg": -9.25, "weather": "rainy", "daytime": "foggy"}
        rows[1] |= {"label": 0, "latitude_deg": 48.5}
        self.write_rows(rows)
        folds = pd.DataFrame({"image_id": ids(), "split": ["train"] * 4 + ["test"] * 2, "block": range(N)})
        for k in range(11):
            folds[f"role_{k}"] = [""] * 4 + ["test", f"r{k}"]
        self.folds = folds
        folds.to_parquet(self.paths[3])

    def write_images(self, image_ids):
        write_image_store(
            self.paths[0],
            image_ids,
            [self.embeddings[: len(image_ids)]],
            view_count=VIEWS,
            dim=DIM,
            attributes={"fingerprint": "abc"},
        )

    def write_rows(self, rows):
        self.rows = rows
        write_manifest(Manifest(manifest_frame(rows), self.paths[2].parent), self.paths[2])


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_rows_are_the_manifests(project, metadata_config):
    table = load_features(*project.paths, metadata_config, views=VIEWS)
    assert table.image_ids == ids()
    assert table.fingerprint == "abc"
    assert np.array_equal(table.embeddings.tensor.numpy(), project.embeddings)
    assert table.labels.tolist() == [1, 0, -1, -1, -1, -1]
    assert table.split.tolist() == ["train"] * 4 + ["test"] * 2
    assert table.roles.shape == (N, 11)
    assert table.roles[5, 10] == "r10", "role columns are in numerical order"
    assert table.block.tolist() == list(range(N))


def test_metadata_is_what_the_head_takes(project, metadata_config):
    metadata = load_features(*project.paths, metadata_config).metadata
    assert metadata.gps_deg[0].tolist() == [48.5, -9.25]
    assert metadata.gps_present.tolist() == [True] + [False] * 5, "a latitude alone is no position"
    assert metadata.gps_deg[1:].eq(0).all()
    assert metadata.weather.tolist() == [1] + [3] * 5
    assert metadata.daytime.tolist() == [2] + [3] * 5
    assert metadata.scene.tolist() == [3] * 6
    assert metadata.text.dtype == torch.float32
    assert np.array_equal(metadata.text.numpy()[::2], project.text[::2].astype(np.float32))
    assert metadata.text[1::2].eq(0).all()


def test_another_order_in_a_store_names_the_image_and_the_stage(project, metadata_config):
    swapped = ids()
    swapped[1], swapped[2] = swapped[2], swapped[1]
    project.write_images(swapped)
    with pytest.raises(StoreError, match=r"(?s)row 1 is image .*embed_images"):
        load_features(*project.paths, metadata_config)


def test_a_store_of_fewer_images_is_refused(project, metadata_config):
    project.write_images(ids(4))
    with pytest.raises(StoreError, match=r"(?s)4 images, 6 .*embed_images"):
        load_features(*project.paths, metadata_config)


def test_another_number_of_views_is_refused(project, metadata_config):
    with pytest.raises(StoreError, match=r"(?s)4 views of an image, views.grid gives 12.*embed_images"):
        load_features(*project.paths, metadata_config, views=12)


def test_folds_of_another_manifest_are_refused(project, metadata_config):
    project.folds.iloc[::-1].to_parquet(project.paths[3])
    with pytest.raises(StoreError, match=r"(?s)row 0 is image .*roadwork folds"):
        load_features(*project.paths, metadata_config)


@pytest.mark.parametrize("number", range(4))
def test_a_missing_input_is_named(project, metadata_config, number):
    path = project.paths[number]
    path.rename(path.with_name("elsewhere"))
    with pytest.raises((DataError, StoreError), match=path.name):
        load_features(*project.paths, metadata_config)


def test_damaged_folds_are_refused(project, metadata_config):
    project.paths[3].write_bytes(b"nothing")
    with pytest.raises(DataError, match="not readable as Parquet"):
        load_features(*project.paths, metadata_config)


def test_a_word_outside_the_vocabulary_is_refused(project, metadata_config):
    project.rows[3]["scene"] = "moon"
    project.write_rows(project.rows)
    with pytest.raises(DataError, match=r"(?s)scene 'moon'.*metadata.vocabularies.scene.*ingest"):
        load_features(*project.paths, metadata_config)


def test_check_order_accepts_equal_and_counts_missing():
    check_order(["a", "b"], ["a", "b"], where="x", stage="y")
    with pytest.raises(StoreError, match="1 images, 2 are expected"):
        check_order(["a"], ["a", "b"], where="x", stage="y")


def test_rows_takes_masks_and_indices(table):
    mask = table.split == "val"
    by_mask, by_index = table.rows(mask), table.rows(np.flatnonzero(mask))
    assert by_mask.image_ids == by_index.image_ids
    assert torch.equal(by_mask.embeddings.tensor, by_index.embeddings.tensor)
    assert len(by_mask) == mask.sum()
    first, second = table.rows([7, 3]).image_ids
    assert (first, second) == (table.image_ids[7], table.image_ids[3])


def test_some_rows_keep_the_digest_of_what_they_were_loaded_from(project, metadata_config):
    table = load_features(*project.paths, metadata_config)
    assert table.digest == data_digest(*project.paths)
    assert table.rows([1, 0]).digest == table.digest


def test_a_text_width_that_is_not_the_stores_is_refused_where_text_is_used(project, metadata_config):
    narrow = metadata_config.model_copy(update={"text_dim": 5})
    with pytest.raises(ParameterError, match=r"(?s)text_dim is 5.*have 8 numbers.*set metadata.text_dim to 8"):
        load_features(*project.paths, narrow)
    assert len(load_features(*project.paths, narrow.model_copy(update={"fields": ("gps",)}))) == N


def test_features_left_on_the_disk_are_those_in_memory(project, metadata_config):
    memory, disk = (load_features(*project.paths, metadata_config, features=where) for where in ("memory", "stream"))
    assert isinstance(memory.embeddings, Resident)
    assert isinstance(disk.embeddings, Streamed)
    for one, other in ((memory, disk), (memory.rows([4, 0]), disk.rows([4, 0]))):
        assert one.image_ids == other.image_ids
        assert one.embeddings.shape == other.embeddings.shape
        assert torch.equal(torch.cat(list(one.embeddings.pieces(2))), torch.cat(list(other.embeddings.pieces(2))))
    assert memory.digest == disk.digest


def test_where_features_are_is_decided_by_the_memory_that_is_available(project, metadata_config, monkeypatch, capsys):
    monkeypatch.setattr("roadwork.train.features.available_memory", lambda: 100)
    assert isinstance(load_features(*project.paths, metadata_config).embeddings, Streamed)
    assert "streamed from the disk" in capsys.readouterr().err
    monkeypatch.setattr("roadwork.train.features.available_memory", lambda: 10**9)
    assert isinstance(load_features(*project.paths, metadata_config).embeddings, Resident)
