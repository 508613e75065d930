import dataclasses

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import bootstrap

from roadwork.evaluate.bootstrap import MOST_LEFT_OUT, Resampling, leave_one_out
from roadwork.evaluate.replicates import Replicates

RESAMPLING = Resampling(1001, 0.95, 3)
STEPS = np.linspace(0, 1, 1001)  # the quantile of a level is that level
ALIKE = np.zeros(50)
"""Blocks of equal influence: no acceleration."""


def replicates(sample=0.5, resampled=STEPS, left_out=ALIKE):
    return Replicates(sample, np.asarray(resampled, float), np.asarray(left_out, float), blocks=len(left_out))


def ends(interval):
    assert interval is not None
    return interval.low, interval.high


def test_without_bias_and_skewness_it_is_the_percentile_interval():
    levels = ndtr(RESAMPLING.levels(50))
    assert ends(replicates().interval(RESAMPLING)) == pytest.approx(levels, abs=1e-3)
    assert levels == pytest.approx([0.025, 0.975], abs=6e-3)


def test_resamples_that_lie_above_the_sample_move_the_interval_down_by_twice_their_bias():
    centre = ndtri(0.3)
    assert ends(replicates(sample=0.3).interval(RESAMPLING)) == pytest.approx(
        ndtr(2 * centre + RESAMPLING.levels(50)), abs=2e-3
    )


def test_resamples_equal_to_the_sample_count_half():
    low, high = ends(replicates(sample=0.5, resampled=[0.5] * 100).interval(RESAMPLING))
    assert (low, high) == (0.5, 0.5)
    tied = replicates(0.0, np.repeat([0.0, 1.0], [600, 400]))  # 300 of 1000 below
    assert tied._centre(tied.resampled) == pytest.approx(ndtri(0.3))


def test_acceleration_of_a_worked_example():
    # Left out 0, 3, 3: mean 2, influences 2, -1, -1: (8 - 1 - 1) / (6 · (4 + 1 + 1)^1.5)
    skewed = replicates(left_out=[0.0, 3.0, 3.0])
    assert skewed._acceleration() == pytest.approx(1 / 6**1.5)
    levels = RESAMPLING.levels(3)
    expected = ndtr(levels / (1 - levels / 6**1.5))
    assert ends(skewed.interval(RESAMPLING)) == pytest.approx(expected, abs=2e-3)


def test_it_is_scipys_interval_but_for_the_widening_of_few_blocks():
    data = np.random.default_rng(1).exponential(size=40) ** 1.5
    own = Resampling(5000, 0.95, 3)
    means = np.concatenate(list(own.draws(40, 40))) @ data / 40
    left_out = np.concatenate(list(leave_one_out(40, 40))) @ data / 39
    got = Replicates(data.mean(), means, left_out, blocks=40).interval(own)
    one = bootstrap((data,), np.mean, n_resamples=2, method="percentile")
    drawn = dataclasses.replace(one, bootstrap_distribution=means)
    level = 1 - 2 * ndtr(own.levels(40)[0])
    scipys = bootstrap((data,), np.mean, n_resamples=0, bootstrap_result=drawn, confidence_level=level, method="BCa")
    assert ends(got) == pytest.approx(tuple(scipys.confidence_interval))
    low, high = np.quantile(means, [0.025, 0.975])
    assert got is not None
    assert got.low > low  # skewed to the right, as every sum of such data
    assert got.high > high


def test_undefined_resamples_are_left_out_and_too_many_leave_no_interval():
    few, many = STEPS.copy(), STEPS.copy()
    few[::25] = np.nan  # 41 of 1001: 4 %
    many[::16] = np.nan  # 63 of 1001: 6 %
    assert ends(replicates(resampled=few).interval(RESAMPLING)) == pytest.approx(
        ends(replicates().interval(RESAMPLING)), abs=2e-3
    )
    assert replicates(resampled=many).interval(RESAMPLING) is None
    assert replicates(resampled=many).interval(Resampling(1001, 0.9, 3)) is not None
    assert replicates(np.nan, np.full(100, np.nan), [np.nan] * 3).interval(RESAMPLING) is None


def test_undefined_without_one_block_leaves_the_influence_of_the_others():
    assert replicates(left_out=[0.0, 3.0, 3.0, np.nan])._acceleration() == pytest.approx(1 / 6**1.5)


def test_all_resamples_on_one_side_still_give_an_interval():
    low, high = ends(replicates(sample=-1.0).interval(RESAMPLING))
    assert 0 <= low <= high < 0.1


def test_a_wider_confidence_gives_a_wider_interval():
    narrow = ends(replicates(0.4).interval(Resampling(1001, 0.5, 0)))
    wide = ends(replicates(0.4).interval(Resampling(1001, 0.99, 0)))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_a_difference_is_taken_resample_by_resample():
    got = replicates(0.5, [1, 2, 3], [4, 5]).minus(replicates(0.2, [3, 2, 1], [1, 1]))
    assert got.sample == pytest.approx(0.3)
    assert got.resampled.tolist() == [-2, 0, 2]
    assert got.left_out.tolist() == [3, 4]


def test_probability_counts_what_is_defined_and_clearly_above_zero():
    assert replicates(resampled=[1, 1, -1, 0]).probability_positive() == 0.625, "a tie counts half"
    assert replicates(resampled=[1, np.nan, -1, np.nan]).probability_positive() == 0.5
    assert replicates(resampled=[1e-16, -1e-16]).probability_positive() == 0.5


def test_leaving_out_groups_tells_the_same_skewness_as_leaving_out_each():
    data = np.random.default_rng(2).exponential(size=8 * MOST_LEFT_OUT)
    count = len(data)
    each = (data.sum() - data) / (count - 1)
    grouped = np.concatenate([drawn @ data / drawn.sum(axis=1) for drawn in leave_one_out(count, count)])
    assert len(grouped) == MOST_LEFT_OUT
    one, other = (replicates(left_out=values)._acceleration() for values in (each, grouped))
    assert one == pytest.approx(2 / (6 * np.sqrt(count)), rel=0.2)  # an exponential's skewness is 2
    assert abs(one - other) < 0.002  # of standard deviations: nothing that an interval shows
