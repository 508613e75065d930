"""From manifest rows to views: the right file, the right boxes, or an error."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from roadwork.data.manifest import Manifest, manifest_frame
from roadwork.embed.photographs import photographs_of
from roadwork.embed.view_cutter import view_cutter
from roadwork.errors import PhotographError, StoreError
from roadwork.storage.objects import delete_object, write_object
from roadwork.storage.place import place_of
from roadwork.views.decoder import CpuDecoder
from roadwork.views.geometry import ViewsConfig
from roadwork.views.table import boxes_of, view_table

VIEWS = ViewsConfig(grid=2, overlap=0.25, size_px=16, decoder="cpu")


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    rows: list[dict[str, object]] = []
    for number, (width, height) in enumerate([(40, 30), (24, 36)]):
        path = tmp_path / f"photo_{number}.png"
        Image.new("RGB", (width, height), (50 * number, 100, 200)).save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append({"image_id": digest, "path": path.name, "width_px": width, "height_px": height})
    return Manifest(manifest_frame(rows), tmp_path)


def test_rows_carry_file_boxes_and_size(manifest: Manifest) -> None:
    table = view_table(manifest.frame, VIEWS)
    photos = photographs_of(manifest, table, VIEWS)
    assert [photo.image_id for photo in photos] == manifest.frame["image_id"].tolist()
    assert [photo.path for photo in photos] == [manifest.photograph(0), manifest.photograph(1)]
    assert [photo.pixels for photo in photos] == [1200, 864]
    assert np.array_equal(np.stack([photo.boxes for photo in photos]), boxes_of(table))


def test_boxes_of_other_parameters_or_images_are_refused(manifest: Manifest) -> None:
    other = view_table(manifest.frame, ViewsConfig(grid=2, overlap=0.5, size_px=16, decoder="cpu"))
    with pytest.raises(StoreError, match="view table") as caught:
        photographs_of(manifest, other, VIEWS)
    assert "roadwork tile" in caught.value.fix
    with pytest.raises(StoreError, match="view table"):
        photographs_of(manifest, view_table(manifest.frame[::-1], VIEWS), VIEWS)
    with pytest.raises(StoreError, match="view table"):
        photographs_of(manifest, view_table(manifest.frame[:1], VIEWS), VIEWS)


def test_views_are_cut_from_the_photograph(manifest: Manifest) -> None:
    photo = photographs_of(manifest, view_table(manifest.frame, VIEWS), VIEWS)[1]
    views = view_cutter(CpuDecoder(), 16)(photo)
    assert views.shape == (7, 16, 16, 3)
    assert views.dtype == np.uint8
    assert np.array_equal(np.unique(views.reshape(-1, 3), axis=0), [[50, 100, 200]])


def test_a_missing_changed_or_broken_photograph_is_told_with_the_fix(manifest: Manifest) -> None:
    photos = photographs_of(manifest, view_table(manifest.frame, VIEWS), VIEWS)
    cut = view_cutter(CpuDecoder(), 16)
    photos[0].path.write_bytes(photos[1].path.read_bytes())  # a whole photograph, another one
    with pytest.raises(PhotographError, match="changed since it was ingested") as changed:
        cut(photos[0])
    photos[0].path.unlink()
    with pytest.raises(PhotographError, match="no such file") as missing:
        cut(photos[0])
    for caught in (changed, missing):
        assert caught.value.where == str(photos[0].path)
        assert "roadwork ingest" in caught.value.fix


def test_a_photograph_that_cannot_be_decoded_is_told_by_its_name(manifest: Manifest) -> None:
    path = manifest.photograph(0)
    path.write_bytes(path.read_bytes()[:60])
    frame = manifest.frame.copy()
    frame.loc[0, "image_id"] = hashlib.sha256(path.read_bytes()).hexdigest()
    photo = photographs_of(Manifest(frame, manifest.root), view_table(frame, VIEWS), VIEWS)[0]
    with pytest.raises(PhotographError) as caught:
        view_cutter(CpuDecoder(), 16)(photo)
    assert caught.value.where == str(path)
    assert "roadwork ingest" in caught.value.fix


def test_a_pipe_in_the_place_of_a_photograph_is_not_waited_for(manifest: Manifest) -> None:
    photo = photographs_of(manifest, view_table(manifest.frame, VIEWS), VIEWS)[0]
    photo.path.unlink()
    os.mkfifo(photo.path)
    with pytest.raises(PhotographError, match="a pipe") as caught:
        view_cutter(CpuDecoder(), 16)(photo)
    assert caught.value.where == str(photo.path)


def test_a_photograph_beyond_the_memory_is_told_by_its_name(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    photo = photographs_of(manifest, view_table(manifest.frame, VIEWS), VIEWS)[0]
    monkeypatch.setattr("roadwork.views.decoder.cut_views", exhausted)
    with pytest.raises(PhotographError, match="not enough memory") as caught:
        view_cutter(CpuDecoder(), 16)(photo)
    assert caught.value.where == str(photo.path)


def test_views_of_a_photograph_in_an_object_store(manifest: Manifest) -> None:
    store = place_of(f"memory://{uuid4().hex}/archive", parameter="test")
    for row in range(2):
        file = manifest.photograph(row)
        assert isinstance(file, Path)
        write_object(store / file.name, file.read_bytes())
    there = Manifest(manifest.frame, store)
    table = view_table(manifest.frame, VIEWS)
    cut = view_cutter(CpuDecoder(), 16)
    pairs = list(zip(photographs_of(there, table, VIEWS), photographs_of(manifest, table, VIEWS), strict=True))
    for photo, same in pairs:
        assert np.array_equal(cut(photo), cut(same))
    write_object(store / "photo_0.png", b"another")
    with pytest.raises(PhotographError, match="changed since"):
        cut(pairs[0][0])
    delete_object(store / "photo_1.png")
    with pytest.raises(PhotographError, match="no such file") as caught:
        cut(pairs[1][0])
    assert caught.value.where == f"{store}/photo_1.png"
