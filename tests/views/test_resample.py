from __future__ import annotations

import numpy as np
from PIL import Image

from roadwork.views.geometry import view_boxes
from roadwork.views.resample import cut_views


def photograph(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_each_view_is_crop_then_lanczos():
    rgb = photograph(97, 61)
    boxes = view_boxes(97, 61, grid=3, overlap=0.25)
    views = cut_views(rgb, boxes, 32)
    assert views.shape == (12, 32, 32, 3)
    assert views.dtype == np.uint8
    for view, (left, top, right, bottom) in zip(views, boxes.tolist(), strict=True):
        cropped = Image.fromarray(np.ascontiguousarray(rgb[top:bottom, left:right]))
        expected = np.asarray(cropped.resize((32, 32), Image.Resampling.LANCZOS))
        np.testing.assert_array_equal(view, expected)


def test_a_view_of_the_final_size_is_unchanged():
    rgb = photograph(40, 40)
    np.testing.assert_array_equal(cut_views(rgb, np.array([[4, 4, 36, 36]]), 32)[0], rgb[4:36, 4:36])


def test_pixels_outside_the_box_have_no_influence():
    rgb = photograph(64, 64)
    changed = rgb.copy()
    changed[:, 32:] = 255 - changed[:, 32:]
    box = np.array([[0, 0, 32, 64]])
    np.testing.assert_array_equal(cut_views(rgb, box, 16), cut_views(changed, box, 16))


def test_shrinking_averages_rather_than_skips():
    board = ((np.indices((128, 128)).sum(axis=0) % 2) * 255).astype(np.uint8)
    rgb = np.repeat(board[..., None], 3, axis=2)
    view = cut_views(rgb, np.array([[0, 0, 128, 128]]), 16)[0].astype(int)
    assert np.abs(view - 127).max() <= 6


def test_a_single_pixel_fills_its_views():
    rgb = np.full((1, 1, 3), (9, 8, 7), dtype=np.uint8)
    views = cut_views(rgb, view_boxes(1, 1, grid=3, overlap=0.25), 16)
    assert (views == (9, 8, 7)).all()
