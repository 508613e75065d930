from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.exact_lanczos import exact_views, psnr_db
from benchmarks.photographs import camera_files, photographs_of_files, sample_files
from benchmarks.rivals.pillow_views import normalised, pillow_views
from benchmarks.row import UnequalError
from benchmarks.rows import views
from roadwork.views.decode import decode_rgb
from roadwork.views.geometry import view_boxes
from roadwork.views.resample import cut_views


@pytest.fixture
def photo(tmp_path: Path):
    return photographs_of_files(camera_files(tmp_path, 1, width_px=160, height_px=120))[0]


def test_the_row_tells_target_floor_and_quality(photo):
    row = views._file_to_views(photo, 32, rounds=1)
    assert row.name == "views.file_to_views_32"
    assert row.target is not None
    assert (row.target.kind, row.target.value) == ("at most", 0.33)
    assert row.figure > row.detail["decode_only_ratio"] > 0
    assert row.detail["least_psnr_db"] >= 45
    assert "160×120" in row.detail["photograph"]


def test_views_that_are_not_lanczos_are_not_timed(photo, monkeypatch):
    def nearest(rgb, boxes, size_px):
        image = Image.fromarray(rgb)
        return np.stack([np.asarray(image.resize((size_px, size_px), 0, tuple(box))) for box in boxes.tolist()])

    monkeypatch.setattr("roadwork.views.decoder.cut_views", nearest)
    with pytest.raises(UnequalError, match="dB against exact LANCZOS"):
        views._file_to_views(photo, 32, rounds=1)
    with pytest.raises(UnequalError):
        views.check_views(
            np.zeros((12, 32, 32, 3), np.uint8), decode_rgb(photo.path, max_pixels=10**6), photo.boxes, 32
        )


def test_exact_lanczos_of_what_is_known(photo):
    rgb = decode_rgb(photo.path, max_pixels=10**6)
    same = exact_views(rgb, np.array([[8, 9, 40, 41]], np.int32), 32)
    np.testing.assert_allclose(same[0], rgb[9:41, 8:40], atol=1e-9)
    flat = np.full((50, 70, 3), 93, np.uint8)
    np.testing.assert_allclose(exact_views(flat, view_boxes(70, 50, grid=3, overlap=0.25), 16), 93)
    assert psnr_db(np.full((1, 2, 2, 3), 10, np.uint8), np.full((1, 2, 2, 3), 11)).round(2).tolist() == [48.13]


def test_the_rival_cuts_the_same_views_and_normalises_them(photo):
    ours = cut_views(decode_rgb(photo.path, max_pixels=10**6), photo.boxes, 32)
    theirs = pillow_views(photo.path, photo.boxes, 32)
    assert np.abs(theirs.astype(int) - ours).max() <= 2
    floats = normalised(theirs)
    assert floats.shape == (12, 3, 32, 32)
    assert floats.dtype == np.float32
    assert floats[3, 1, 5, 7] == pytest.approx((theirs[3, 5, 7, 1] / 255 - 0.456) / 0.224, rel=1e-5)


def test_photographs_are_as_many_as_asked_and_all_different(tmp_path):
    files = sample_files(tmp_path, 30, max_width_px=160)
    photographs = photographs_of_files(files)
    assert len({photo.image_id for photo in photographs}) == 30
    assert len({photo.pixels for photo in photographs}) > 1
    for photo in photographs[:26]:
        rgb = decode_rgb(photo.path, max_pixels=10**6)
        assert photo.boxes[0].tolist() == [0, 0, rgb.shape[1], rgb.shape[0]]
