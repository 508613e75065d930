import numpy as np
import pytest

from roadwork.evaluate.bootstrap import Interval, Resampling
from roadwork.evaluate.calibration_gaps import CalibrationGaps, block_gaps
from roadwork.evaluate.metrics import BINS, calibration_error

MANY = 10**6
RESAMPLING = Resampling(3, 0.9, 0)


def padded(*gaps):
    return np.array([*gaps, *[0.0] * (BINS - len(gaps))])


def gaps(sample, *resampled, blocks=MANY):
    return CalibrationGaps(padded(*sample), np.stack([padded(*one) for one in resampled]), blocks)


def test_block_gaps_of_a_worked_example():
    got = block_gaps([1, 0, 0, 1], [0.9, 0.95, 0.0, 1.0], np.array([0, 0, 0, 1]))
    assert got.shape == (2, BINS)
    assert got[0, [0, 13, 14]] == pytest.approx([0.0, 0.1, -0.95])  # 0.9 is in the bin from 13/15, 0.95 in the last
    assert got[1, 14] == 0
    assert np.abs(got).sum() == pytest.approx(1.05)


def test_the_gaps_of_all_blocks_are_the_calibration_error():
    rng = np.random.default_rng(1)
    labels, probabilities, index = rng.integers(0, 2, 300), rng.uniform(size=300), rng.integers(0, 20, 300)
    total = block_gaps(labels, probabilities, index).sum(axis=0)
    assert np.abs(total).sum() / 300 == pytest.approx(calibration_error(labels, probabilities))


def test_each_resample_gives_a_lower_and_an_upper_error():
    found = gaps([0.1, -0.2], [0.1, -0.2], [0.2, -0.1], [-0.1, -0.3])
    assert found.upper == pytest.approx([0.3, 0.3, 0.4])
    assert found.lower == pytest.approx([0.3, 0.1, 0.0])  # 0.3 minus 0, 0.2 and 0.3


def test_the_interval_reaches_from_low_lower_to_high_upper_ones():
    rng = np.random.default_rng(2)
    found = CalibrationGaps(padded(0.2), 0.2 * (np.arange(BINS) == 0) + rng.normal(0, 0.01, (4000, BINS)), MANY)
    interval = found.interval(Resampling(4000, 0.9, 0))
    expected = np.quantile(found.lower, 0.05), np.quantile(found.upper, 0.95)
    assert (interval.low, interval.high) == pytest.approx(expected, abs=1e-4)
    assert interval.low < 0.2 < interval.high


def test_fewer_blocks_make_it_wider():
    some = [[0.2 + shift] for shift in np.linspace(-0.1, 0.1, 200)]
    many, few = (gaps([0.2], *some, blocks=blocks).interval(RESAMPLING) for blocks in (MANY, 6))
    assert few.low < many.low < many.high < few.high


def test_noise_alone_is_never_called_miscalibration():
    noise = np.random.default_rng(3).normal(0, 0.01, (500, BINS))
    found = CalibrationGaps(noise[0], noise[0] + noise, MANY)
    interval = found.interval(Resampling(500, 0.95, 0))
    assert interval.low == 0
    assert np.quantile(found.upper, 0.025) > 0.05  # where a percentile interval would begin


def test_a_model_without_gaps_has_none_for_certain():
    assert gaps([0.0], [0.0], [0.0]).interval(RESAMPLING) == Interval(0, 0)


def test_a_difference_bounds_the_first_from_below_and_the_second_from_above():
    first, second = gaps([0.5], [0.4], [0.6]), gaps([0, 0.1], [0, 0.1], [0, 0.1])
    found = first.difference(second, Resampling(2, 1 - 1e-9, 0))
    assert (found.low, found.high) == pytest.approx((0.4 - 0.1, 0.6 - 0.1))
    swapped = second.difference(first, Resampling(2, 1 - 1e-9, 0))
    assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low))


def test_equal_models_differ_by_nothing_and_similar_ones_by_no_more_than_their_gaps():
    noise = np.random.default_rng(4).normal(0, 0.05, (500, BINS))
    one = CalibrationGaps(noise.mean(0), noise, MANY)
    other = CalibrationGaps(one.sample + 0.001, one.resampled + 0.001, MANY)
    resampling = Resampling(500, 0.95, 0)
    assert one.difference(one, resampling) == Interval(0, 0)
    close = one.difference(other, resampling)
    assert (close.low, close.high) == pytest.approx((-0.001 * BINS, 0.001 * BINS))
