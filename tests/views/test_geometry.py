from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwork.config import parse_section
from roadwork.errors import ParameterError
from roadwork.views.geometry import ViewsConfig, check_size, view_boxes, view_names

sides = st.integers(1, 6000)
grids = st.integers(1, 5)
overlaps = st.one_of(st.floats(0, 0.9), st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.9]))


def tiles(width: int, height: int, grid: int = 3, overlap: float = 0.25) -> np.ndarray:
    """Tile boxes `[row column 4]`."""
    return view_boxes(width, height, grid=grid, overlap=overlap)[1:-2].reshape(grid, grid, 4)


@pytest.mark.parametrize(
    ("size", "tile", "lefts", "tops", "center", "right"),
    [
        ((4032, 3024), (1613, 1210), (0, 1210, 2419), (0, 907, 1814), (504, 0, 3528, 3024), (1008, 0, 4032, 3024)),
        ((1920, 1080), (768, 432), (0, 576, 1152), (0, 324, 648), (420, 0, 1500, 1080), (840, 0, 1920, 1080)),
        ((3024, 4032), (1210, 1613), (0, 907, 1814), (0, 1210, 2419), (0, 504, 3024, 3528), (0, 1008, 3024, 4032)),
        ((1, 1), (1, 1), (0, 0, 0), (0, 0, 0), (0, 0, 1, 1), (0, 0, 1, 1)),
    ],
)
def test_golden_coordinates(size, tile, lefts, tops, center, right):
    boxes = view_boxes(*size, grid=3, overlap=0.25)
    assert boxes.dtype == np.int32
    assert boxes.shape == (12, 4)
    expected = [(0, 0, *size)]
    expected += [(left, top, left + tile[0], top + tile[1]) for top in tops for left in lefts]
    expected += [center, right]
    assert [tuple(box) for box in boxes.tolist()] == expected


@given(sides, sides, grids, overlaps)
@settings(deadline=None)
def test_every_box_is_inside_and_not_empty(width, height, grid, overlap):
    boxes = view_boxes(width, height, grid=grid, overlap=overlap)
    assert len(boxes) == grid**2 + 3 == len(view_names(grid))
    left, top, right, bottom = boxes.T
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (right <= width).all()
    assert (bottom <= height).all()
    assert (left < right).all()
    assert (top < bottom).all()


@given(sides, sides, grids, overlaps)
@settings(deadline=None)
def test_tiles_cover_every_pixel(width, height, grid, overlap):
    columns, rows = np.zeros(width, dtype=bool), np.zeros(height, dtype=bool)
    boxes = tiles(width, height, grid, overlap)
    for left, _, right, _ in boxes[0].tolist():
        columns[left:right] = True
    for _, top, _, bottom in boxes[:, 0].tolist():
        rows[top:bottom] = True
    assert columns.all()
    assert rows.all()
    # A tile is the product of its row's and its column's span, so covered axes are a covered image.
    assert (boxes[:, :, [0, 2]] == boxes[:1, :, [0, 2]]).all()
    assert (boxes[:, :, [1, 3]] == boxes[:, :1, [1, 3]]).all()


@given(sides, sides, grids, overlaps)
@settings(deadline=None)
def test_neighbours_overlap_as_asked_but_for_rounding(width, height, grid, overlap):
    boxes = tiles(width, height, grid, overlap)
    # A start is off by half a pixel at most, so a step by less than one. The side, rounded up by less than one pixel,
    # adds 1 - overlap of that to its overlap with a neighbour, and shortens the step by 1 / (grid - 1) of it.
    most = 1 + (1 - overlap) + 1 / max(1, grid - 1)
    shared = [a[2] - b[0] - overlap * (a[2] - a[0]) for a, b in zip(boxes[0], boxes[0][1:], strict=False)]
    shared += [a[3] - b[1] - overlap * (a[3] - a[1]) for a, b in zip(boxes[:, 0], boxes[1:, 0], strict=False)]
    assert all(-1 - 1e-9 < surplus < most + 1e-9 for surplus in shared)


def test_overlap_of_the_default_grid_is_a_quarter_to_a_pixel_and_a_half():
    for length in range(1, 6001):
        left, middle, right = tiles(length, 1)[0, :, [0, 2]].T
        for first, second in ((left, middle), (middle, right)):
            assert -0.5 <= (first[1] - second[0]) - 0.25 * (first[1] - first[0]) <= 1.5


@given(sides, sides)
def test_squares_are_the_largest_centred_and_flush(width, height):
    center, right = view_boxes(width, height, grid=3, overlap=0.25)[-2:].tolist()
    side = min(width, height)
    for box in (center, right):
        assert (box[2] - box[0], box[3] - box[1]) == (side, side)
    assert abs((center[0] + center[2]) - width) <= 1
    assert abs((center[1] + center[3]) - height) <= 1
    assert (right[2], right[3]) == (width, height)


def test_names_in_order():
    assert view_names(3) == (
        "global", "tile_1_1", "tile_1_2", "tile_1_3", "tile_2_1", "tile_2_2", "tile_2_3",
        "tile_3_1", "tile_3_2", "tile_3_3", "center", "right",
    )  # fmt: skip


def test_an_image_without_pixels_has_no_views():
    with pytest.raises(ValueError, match="0 x 5"):
        view_boxes(0, 5, grid=3, overlap=0.25)


@pytest.mark.parametrize(
    ("size", "patch", "nearest"), [(518, 16, "512 or 528"), (224, 15, "210 or 225"), (20, 32, "32")]
)
def test_size_must_be_a_multiple_of_the_patch(size, patch, nearest):
    with pytest.raises(ParameterError, match=f"nearest valid sizes are {nearest}$") as caught:
        check_size(size, patch)
    assert "views.size_px" in caught.value.where


def test_a_multiple_of_the_patch_is_accepted():
    assert check_size(512, 16) is None
    assert check_size(518, 14) is None


@pytest.mark.parametrize(
    "change", [{"grid": 0}, {"overlap": 0.95}, {"overlap": -0.1}, {"size_px": 8}, {"grid": 2.5}, {"tile": 3}]
)
def test_config_refuses(change):
    values = {"grid": 3, "overlap": 0.25, "size_px": 224} | change
    with pytest.raises(ParameterError, match=f"views.{next(iter(change))}"):
        parse_section(values, "views", ViewsConfig, where="params.yaml")
