"""The check before the cast to float16."""

from __future__ import annotations

import numpy as np
import pytest

from roadwork.embed.half import to_float16
from roadwork.errors import StoreError


def test_values_are_rounded_to_nearest() -> None:
    rows = to_float16(np.array([[1.0, 1 / 3, -65_504.0]], np.float32), ["a"])
    assert rows.dtype == np.float16
    assert rows.tolist() == [[1.0, 0.333251953125, -65_504.0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 65_505.0])
def test_the_first_bad_image_is_named(bad: float) -> None:
    rows = np.zeros((3, 2, 2), np.float32)
    rows[1, 0, 1] = rows[2, 1, 1] = bad
    with pytest.raises(StoreError, match="image second") as caught:
        to_float16(rows, ["first", "second", "third"])
    assert "65504" in caught.value.rule


def test_rows_and_ids_must_pair() -> None:
    with pytest.raises(ValueError, match="2 rows for 1"):
        to_float16(np.zeros((2, 1), np.float32), ["a"])


def test_no_rows_are_fine() -> None:
    assert to_float16(np.zeros((0, 3), np.float32), []).shape == (0, 3)
