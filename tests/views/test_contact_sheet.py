from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from roadwork.views.contact_sheet import Sample, choose_rows, contact_sheet
from roadwork.views.geometry import ViewsConfig


def config(grid: int = 3) -> ViewsConfig:
    return ViewsConfig(grid=grid, overlap=0.25, size_px=224, decoder="cpu")


def flat(name: str, width: int, height: int, colour: tuple[int, int, int]) -> Sample:
    return Sample(name, np.full((height, width, 3), colour, dtype=np.uint8))


def area(sheet: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.abs(np.asarray(sheet, dtype=int) - colour).max(axis=2) <= 2).sum())


def test_one_band_per_photograph():
    one = contact_sheet([flat("a.jpg", 640, 480, (200, 40, 40))], config())
    two = contact_sheet([flat("a.jpg", 640, 480, (200, 40, 40)), flat("b.jpg", 480, 640, (40, 200, 40))], config())
    assert two.width == one.width
    assert two.height > 1.6 * one.height
    assert area(two, (40, 200, 40)) > 200_000
    assert area(one, (40, 200, 40)) == 0


def test_views_are_shown_beside_the_photograph():
    red = (200, 40, 40)
    sheet = contact_sheet([flat("a.jpg", 640, 480, red)], config())
    columns = (np.abs(np.asarray(sheet, dtype=int) - red).max(axis=2) <= 2).any(axis=0)
    assert columns[100:800].all()
    assert columns[900 : sheet.width - 60].mean() > 0.85


@pytest.mark.parametrize("colour", [(0, 114, 178), (86, 180, 233), (230, 159, 0), (0, 158, 115)])
def test_boxes_are_drawn_in_their_colours(colour):
    sheet = contact_sheet([flat("a.jpg", 640, 480, (0, 0, 0))], config())
    photograph = sheet.crop((0, 0, 860, sheet.height))
    assert area(photograph, colour) > 500


def test_same_photographs_give_the_same_bytes():
    def jpeg() -> bytes:
        buffer = io.BytesIO()
        sheet = contact_sheet(
            [Sample("é.jpg", np.random.default_rng(1).integers(0, 255, (90, 160, 3), np.uint8))], config()
        )
        sheet.save(buffer, "JPEG", quality=88)
        return buffer.getvalue()

    assert jpeg() == jpeg()


@pytest.mark.parametrize("grid", [1, 2, 5])
@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (2, 3000)])
def test_any_grid_and_size(grid, size):
    sheet = contact_sheet([flat("a.jpg", size[0], size[1], (1, 2, 3))], config(grid))
    assert sheet.width > 1000


def test_no_photographs():
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([], config())


def test_photographs_of_different_sizes_come_first():
    images = pd.DataFrame({"width_px": [8, 8, 8, 9, 7, 7], "height_px": [5, 5, 5, 5, 5, 5]})
    assert choose_rows(images, 3) == [0, 4, 3]
    assert choose_rows(images, 4) == [0, 4, 3, 1]
    assert choose_rows(images, 9) == [0, 4, 3, 1, 2, 5]
