import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import matthews_corrcoef

from roadwork.evaluate.bootstrap import (
    MOST_LEFT_OUT,
    Resampling,
    block_counts,
    block_index,
    leave_one_out,
    mcc_of_counts,
)

RNG = np.random.default_rng(5)


def resampling(**changes):
    return Resampling(**({"resamples": 1000, "confidence": 0.95, "seed": 3} | changes))


def drawn(own, blocks=12, images=60):
    return np.concatenate(list(own.draws(blocks, images)))


def test_blocks_are_numbered_in_ascending_order():
    assert block_index([9, 4, 9, 7]).tolist() == [2, 0, 2, 1]
    assert block_index(["b", "a", "b"]).tolist() == [1, 0, 1]


def test_block_counts_of_a_worked_example():
    counts = block_counts([1, 1, 0, 0, 1], [1, 0, 1, 0, 1], [7, 7, 9, 9, 9])
    assert counts.tolist() == [[1, 0, 1, 0], [1, 1, 0, 1]]


def test_mcc_of_counts_is_scikit_learns():
    for _ in range(30):
        truth, decided = RNG.integers(0, 2, (2, 40))
        counts = block_counts(truth, decided, np.zeros(40)).sum(0)
        assert mcc_of_counts(counts) == pytest.approx(matthews_corrcoef(truth, decided))


def test_mcc_is_zero_where_a_margin_is_empty():
    assert mcc_of_counts(np.array([[3, 0, 0, 0], [0, 0, 0, 0], [2, 2, 0, 0]])).tolist() == [0, 0, 0]


def test_a_resample_counts_the_blocks_of_as_many_draws():
    got = drawn(resampling(resamples=200))
    by_hand = np.random.default_rng(3).integers(12, size=(200, 12))
    assert got.tolist() == [[(row == block).sum() for block in range(12)] for row in by_hand]
    assert (got.sum(axis=1) == 12).all()


def test_every_block_is_drawn_alike():
    share = drawn(resampling(resamples=20_000), blocks=5).mean(axis=0)
    assert share == pytest.approx(np.ones(5), abs=0.03)  # the mean of 20,000 draws of standard deviation 0.9


def test_draws_depend_on_the_seed_and_the_number_of_blocks_only():
    assert (drawn(resampling()) == drawn(resampling(), images=100_000)).all()
    assert (drawn(resampling()) == drawn(resampling(confidence=0.5))).all()
    assert (drawn(resampling()) != drawn(resampling(seed=4))).any()


def test_parts_are_as_small_as_the_images_are_many(monkeypatch):
    whole = drawn(resampling(resamples=50))
    monkeypatch.setattr("roadwork.evaluate.bootstrap._CELLS", 700)
    parts = list(resampling(resamples=50).draws(12, 100))
    assert [len(part) for part in parts] == [7] * 7 + [1]
    assert (np.concatenate(parts) == whole).all()
    assert [len(part) for part in resampling(resamples=3).draws(12, 10_000)] == [1, 1, 1]
    assert [len(part) for part in leave_one_out(12, 100)] == [7, 5]


def test_each_block_is_left_out_once():
    assert np.concatenate(list(leave_one_out(4, 9))).tolist() == (1 - np.eye(4)).tolist()


def test_the_ends_are_those_of_the_normal_for_many_blocks_and_wider_for_few():
    assert resampling().levels(10**7) == pytest.approx([-1.959964, 1.959964], abs=1e-5)
    assert resampling(confidence=0.5).levels(10**7) == pytest.approx([-0.67449, 0.67449], abs=1e-5)
    assert resampling().levels(10) == pytest.approx(np.sqrt(10 / 9) * t.ppf([0.025, 0.975], 9))
    assert resampling().levels(2)[1] > 12


def test_of_many_blocks_groups_are_left_out_and_each_block_once():
    blocks = 2 * MOST_LEFT_OUT + 5
    drawn = np.concatenate(list(leave_one_out(blocks, blocks)))
    assert drawn.shape == (MOST_LEFT_OUT, blocks)
    assert ((1 - drawn).sum(axis=0) == 1).all()
    assert set((1 - drawn).sum(axis=1)) == {2, 3}
