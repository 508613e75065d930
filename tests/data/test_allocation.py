import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwork.data.allocation import allocate, class_counts


def totals(counts, part, parts):
    return np.array([counts[part == number].sum(axis=0) for number in range(parts)])


def singles(none, roadwork):
    return np.array([[1, 0]] * none + [[0, 1]] * roadwork)


def test_single_images_meet_the_fractions_exactly():
    counts = singles(100, 40)
    part = allocate(counts, [0.65, 0.15, 0.2], seed=1)
    assert totals(counts, part, 3).tolist() == [[65, 26], [15, 6], [20, 8]]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_uneven_blocks_come_close(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (300, 2))
    held = totals(counts, allocate(counts, [0.7, 0.1, 0.2], seed=seed), 3)
    assert held / counts.sum(axis=0) == pytest.approx(np.array([[0.7] * 2, [0.1] * 2, [0.2] * 2]), abs=0.01)


def test_every_part_gets_a_scarce_class():
    counts = singles(60, 3)
    held = totals(counts, allocate(counts, [0.65, 0.15, 0.2], seed=5), 3)
    assert held[:, 1].tolist() == [1, 1, 1]


def test_a_part_that_has_a_class_is_not_given_it_first():
    counts = singles(60, 1)
    part = allocate(counts, [0.5, 0.5], seed=0, present=np.array([[True, False], [True, True]]))
    assert part[-1] == 0


def test_a_block_larger_than_a_part_goes_to_the_large_part():
    counts = np.array([[50, 50], *[[1, 1]] * 20])
    assert allocate(counts, [0.8, 0.2], seed=3)[0] == 0


def test_taken_images_count_towards_the_fractions():
    counts = singles(50, 50)
    held = totals(counts, allocate(counts, [0.5, 0.5], seed=0, taken=np.array([[50, 50], [0, 0]])), 2)
    assert held.tolist() == [[0, 0], [50, 50]]


def test_fraction_zero_and_barred_parts_get_nothing():
    counts = singles(20, 20)
    allowed = np.ones((40, 3), dtype=bool)
    allowed[:5, 0] = False
    part = allocate(counts, [0.9, 0.1, 0.0], seed=0, allowed=allowed)
    assert (part[:5] == 1).all()
    assert set(part) == {0, 1}


def test_seed_decides():
    counts = singles(50, 50)
    first = allocate(counts, [0.5, 0.5], seed=1)
    assert first.tolist() == allocate(counts, [0.5, 0.5], seed=1).tolist()
    assert first.tolist() != allocate(counts, [0.5, 0.5], seed=2).tolist()


def test_class_counts_by_hand():
    counts, row_block = class_counts(np.array([0, 1, -1, 1, 1]), np.array([7, 3, 7, 7, 3]))
    assert counts.tolist() == [[0, 2, 0], [1, 1, 1]]
    assert row_block.tolist() == [1, 0, 1, 1, 0]
