"""The views against Pillow's and against LANCZOS by its formula, in every shape that a photograph may have."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from PIL import Image

from roadwork.views.geometry import view_boxes
from roadwork.views.resample import cut_views

LANCZOS = Image.Resampling.LANCZOS
# Width, height, target: a pixel, slivers, enlarging, nearly the same size, the same, and up to 560 to 1.
SHAPES = [
    (1, 1, 16), (2, 1, 224), (1, 500, 32), (5000, 2, 224), (3, 3, 512), (17, 31, 224), (223, 225, 224), (224, 224, 224),
    (4000, 30, 16), (30, 4000, 512), (9000, 900, 16), (640, 480, 224), (97, 61, 32),
]  # fmt: skip


def photograph(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def picture(width: int, height: int) -> np.ndarray:
    """Smooth areas and hard edges, as photographs have, rather than noise."""
    x, y = np.meshgrid(np.linspace(0, 6, width), np.linspace(0, 5, height))
    waves = np.stack([np.sin(x * 2 + y), np.cos(y * 3), np.sin(x * y / 3)], axis=2) * 90 + 128
    waves[(np.floor(x * 3) + np.floor(y * 2)) % 3 == 0] += 60
    return waves.clip(0, 255).astype(np.uint8)


def whole(rgb: np.ndarray, size_px: int) -> np.ndarray:
    return cut_views(rgb, np.array([[0, 0, rgb.shape[1], rgb.shape[0]]], np.int32), size_px)[0]


def by_pillow(rgb: np.ndarray, size_px: int) -> np.ndarray:
    """Along the rows first, for any shape: Pillow itself begins with the columns where that is less work."""
    rows = Image.fromarray(rgb).resize((size_px, rgb.shape[0]), LANCZOS)
    return np.asarray(rows.resize((size_px, size_px), LANCZOS))


def exact(rgb: np.ndarray, size_px: int) -> np.ndarray:
    """LANCZOS in float64, pixel by pixel as its formula says, rounded by nobody and clipped once, at the end."""

    def along(values: np.ndarray) -> np.ndarray:
        length, out = len(values), []
        scale = length / size_px
        stretch = max(1.0, scale)
        for target in range(size_px):
            distance = (np.arange(length) + 0.5 - (target + 0.5) * scale) / stretch
            near = np.abs(distance) < 3
            d = distance[near]
            weights = np.sinc(d) * np.sinc(d / 3)
            out.append(np.tensordot(weights / weights.sum(), values[near], axes=1))
        return np.stack(out)

    return along(along(rgb.astype(np.float64)).swapaxes(0, 1)).swapaxes(0, 1).clip(0, 255)


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    error = ((a.astype(np.float64) - b) ** 2).mean()
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


@pytest.mark.parametrize(("width", "height", "size_px"), SHAPES)
@pytest.mark.parametrize("draw", [photograph, picture])
def test_a_view_is_pillows_within_two_grey_levels(width, height, size_px, draw):
    rgb = draw(width, height)
    view, expected = whole(rgb, size_px), by_pillow(rgb, size_px)
    assert np.abs(view.astype(int) - expected).max() <= 2
    assert psnr_db(view, expected) >= 60


@pytest.mark.parametrize(("width", "height", "size_px"), SHAPES)
def test_a_view_is_lanczos_by_its_formula(width, height, size_px):
    rgb = picture(width, height)
    assert psnr_db(whole(rgb, size_px), exact(rgb, size_px)) >= 45


def test_each_view_is_cropped_and_then_resampled():
    rgb = photograph(97, 61)
    boxes = view_boxes(97, 61, grid=3, overlap=0.25)
    views = cut_views(rgb, boxes, 32)
    assert views.shape == (12, 32, 32, 3)
    assert views.dtype == np.uint8
    for view, (left, top, right, bottom) in zip(views, boxes.tolist(), strict=True):
        np.testing.assert_array_equal(view, whole(np.ascontiguousarray(rgb[top:bottom, left:right]), 32))


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


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_the_bits_are_the_same_for_any_number_of_threads_and_any_place_in_memory(threads):
    rgb = photograph(403, 302)
    boxes = view_boxes(403, 302, grid=3, overlap=0.25)
    threads(1)
    expected = cut_views(rgb, boxes, 48)
    for count in (2, 5):
        threads(count)
        np.testing.assert_array_equal(cut_views(rgb, boxes, 48), expected)
    memory = np.empty(rgb.size + 64, np.uint8)
    for offset in (1, 3, 17):
        moved = memory[offset : offset + rgb.size].reshape(rgb.shape)
        moved[:] = rgb
        np.testing.assert_array_equal(cut_views(moved, boxes, 48), expected)


def test_one_thread_does_it(threads):
    """CPU seconds of the whole process are no more than what passes, though PyTorch may use four threads."""
    threads(4)
    rgb = photograph(2000, 1500)
    boxes = view_boxes(2000, 1500, grid=3, overlap=0.25)
    cut_views(rgb, boxes, 64)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(5):
        cut_views(rgb, boxes, 64)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert cpu <= 1.1 * wall


@pytest.mark.filterwarnings("error")
def test_pixels_that_must_not_be_written_are_taken_without_a_warning():
    rgb = photograph(40, 30)
    expected = whole(rgb, 16)
    rgb.flags.writeable = False
    np.testing.assert_array_equal(whole(rgb, 16), expected)
    np.testing.assert_array_equal(whole(np.asfortranarray(rgb), 16), expected)
