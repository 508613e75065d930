import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from roadwork.evaluate.bootstrap import Resampling, block_counts, mcc_of_counts

RNG = np.random.default_rng(5)


def resampling(**changes):
    return Resampling(**({"resamples": 1000, "confidence": 0.95, "seed": 3} | changes))


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


def test_matches_a_bootstrap_written_out_with_images():
    n, blocks = 60, 12
    truth, decided, block = RNG.integers(0, 2, n), RNG.integers(0, 2, n), RNG.integers(0, blocks, n)
    got = resampling(resamples=200).mcc_interval(truth, decided, block)
    generator = np.random.default_rng(3)
    values = []
    for drawn in generator.integers(blocks, size=(200, blocks)):
        rows = np.concatenate([np.flatnonzero(block == b) for b in drawn])
        values.append(matthews_corrcoef(truth[rows], decided[rows]))
    low, high = np.quantile(values, [0.025, 0.975])
    assert got is not None
    assert (got.low, got.high) == pytest.approx((low, high))


def test_a_perfect_model_has_a_degenerate_interval():
    truth = np.tile([0, 1], 50)
    interval = resampling().mcc_interval(truth, truth, np.arange(100))
    assert interval is not None
    assert (interval.low, interval.high) == (1, 1)


def test_one_block_has_no_interval():
    assert resampling().mcc_interval([0, 1], [0, 1], [4, 4]) is None
    difference = resampling().difference([0, 1], [0, 1], [1, 0], [4, 4])
    assert (difference.mcc, difference.interval, difference.probability_positive) == (2, None, None)


def test_a_wider_confidence_gives_a_wider_interval_and_a_seed_the_same_one():
    truth = RNG.integers(0, 2, 300)
    decided = np.where(RNG.uniform(size=300) < 0.8, truth, 1 - truth)
    args = (truth, decided, np.arange(300) // 3)
    narrow, wide = resampling(confidence=0.5).mcc_interval(*args), resampling(confidence=0.99).mcc_interval(*args)
    assert narrow is not None
    assert wide is not None
    assert wide.low < narrow.low < narrow.high < wide.high
    assert resampling().mcc_interval(*args) == resampling().mcc_interval(*args)
    assert resampling(seed=4).mcc_interval(*args) != resampling().mcc_interval(*args)


def test_grouped_errors_widen_the_interval():
    truth = np.tile(np.repeat([0, 1], 10), 20)
    decided = np.where(np.repeat(RNG.uniform(size=40) < 0.8, 10), truth, 1 - truth)  # whole blocks right or wrong
    grouped = resampling().mcc_interval(truth, decided, np.arange(400) // 10)
    single = resampling().mcc_interval(truth, decided, np.arange(400))
    assert grouped is not None
    assert single is not None
    assert grouped.high - grouped.low > 2 * (single.high - single.low)


def test_difference_of_a_model_with_itself_is_nothing():
    truth, decided = RNG.integers(0, 2, (2, 100))
    same = resampling().difference(truth, decided, decided, np.arange(100))
    assert same.mcc == 0
    assert same.interval is not None
    assert (same.interval.low, same.interval.high, same.probability_positive) == (0, 0, 0)


def test_difference_is_paired_and_signed():
    truth = RNG.integers(0, 2, 500)
    good = np.where(RNG.uniform(size=500) < 0.95, truth, 1 - truth)
    poor = np.where(RNG.uniform(size=500) < 0.7, truth, 1 - truth)
    better, worse = (resampling().difference(truth, *pair, np.arange(500)) for pair in ((good, poor), (poor, good)))
    assert better.mcc == pytest.approx(matthews_corrcoef(truth, good) - matthews_corrcoef(truth, poor))
    assert better.mcc == pytest.approx(-worse.mcc)
    assert better.interval is not None
    assert better.interval.low > 0
    assert (better.probability_positive, worse.probability_positive) == (1, 0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    # 80 % correct in balanced classes: the population MCC is 0.6. Blocks of five images share their fate half the time.
    generator, covered, runs = np.random.default_rng(11), 0, 200
    for run in range(runs):
        truth = np.repeat(generator.integers(0, 2, 80), 5)
        shared = np.repeat(generator.uniform(size=80), 5)
        luck = np.where(np.repeat(generator.uniform(size=80) < 0.5, 5), shared, generator.uniform(size=400))
        decided = np.where(luck < 0.8, truth, 1 - truth)
        interval = resampling(resamples=400, seed=run).mcc_interval(truth, decided, np.arange(400) // 5)
        assert interval is not None
        covered += interval.low <= 0.6 <= interval.high
    assert 0.89 <= covered / runs <= 0.99


def test_many_blocks_are_resampled_in_parts(monkeypatch):
    truth, decided = RNG.integers(0, 2, (2, 100))
    whole = resampling(resamples=50).mcc_interval(truth, decided, np.arange(100))
    monkeypatch.setattr("roadwork.evaluate.bootstrap._CELLS", 700)
    assert resampling(resamples=50).mcc_interval(truth, decided, np.arange(100)) == whole
