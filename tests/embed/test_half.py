"""The check before the cast to float16."""

from __future__ import annotations

import numpy as np
import pytest

from roadwork.embed.half import refuse_flat, to_float16
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
    assert caught.value.where == "image second, third"


def test_many_bad_images_are_counted() -> None:
    with pytest.raises(StoreError) as caught:
        to_float16(np.full((11, 2), np.nan, np.float32), [f"i{n}" for n in range(11)])
    assert caught.value.where == "image i0, i1, i2, i3, i4, i5, i6, i7 and 3 more"


def test_vectors_with_different_numbers_pass() -> None:
    rows = np.random.default_rng(0).standard_normal((3, 2, 4)).astype(np.float16)
    rows[0, 0, :3] = rows[0, 0, 3] + 1
    refuse_flat(rows, ["a", "b", "c"])
    refuse_flat(rows[:0], [])
    refuse_flat(rows[:, :, :1], ["a", "b", "c"])


@pytest.mark.parametrize("value", [0.0, -0.0, 3.5])
def test_a_vector_of_equal_numbers_names_image_and_view(value: float) -> None:
    rows = np.random.default_rng(0).standard_normal((3, 2, 4)).astype(np.float16)
    rows[1, 1] = value
    told = f"image second says nothing: every number of its vector 1 is {value}"
    with pytest.raises(StoreError, match=told) as caught:
        refuse_flat(rows, ["first", "second", "third"])
    assert caught.value.where == "image second"


def test_what_vanishes_in_the_cast_is_noticed() -> None:
    tiny = np.array([[[1e-9, 2e-9, 3e-9]]])
    with pytest.raises(StoreError, match="says nothing"):
        refuse_flat(to_float16(tiny, ["a"]), ["a"])


def test_rows_and_ids_must_pair() -> None:
    with pytest.raises(ValueError, match="2 rows for 1"):
        to_float16(np.zeros((2, 1), np.float32), ["a"])


def test_no_rows_are_fine() -> None:
    assert to_float16(np.zeros((0, 3), np.float32), []).shape == (0, 3)


def test_what_is_float16_already_is_given_back_as_it_is() -> None:
    rows = np.ones((2, 3), np.float16)
    assert to_float16(rows, ["a", "b"]) is rows
    rows[1, 2] = np.inf
    with pytest.raises(StoreError, match="image b does not fit float16"):
        to_float16(rows, ["a", "b"])
