import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from roadwork.ablation.seed_mean import mcc, seed_mean
from roadwork.evaluate.bootstrap import Interval, Resampling
from roadwork.evaluate.resampled import resample_scores
from roadwork.evaluate.score import Predictions

RESAMPLING = Resampling(resamples=300, confidence=0.95, seed=5)


def runs(count, images=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=images)
    blocks = np.arange(images) // 3
    noise = rng.normal(size=(count, images))
    return [Predictions(labels, blocks, 1 / (1 + np.exp(-(2 * labels - 1 + each)))) for each in noise]


def test_mcc_is_scikit_learns():
    (run,) = runs(1)
    assert mcc(run) == pytest.approx(matthews_corrcoef(run.labels, run.probabilities >= 0.5))


def test_one_seed_gives_the_interval_of_the_scorecard():
    (run,) = runs(1)
    one = seed_mean([run], RESAMPLING)
    scorecard = resample_scores(run.labels, run.probabilities, run.blocks, RESAMPLING)
    assert one.sample == pytest.approx(mcc(run))
    found, expected = one.interval(RESAMPLING), scorecard.interval("mcc", RESAMPLING)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_mean_over_seeds_on_every_resample():
    first, second = runs(2)
    both = seed_mean([first, second], RESAMPLING)
    apart = [seed_mean([run], RESAMPLING) for run in (first, second)]
    assert both.sample == pytest.approx((mcc(first) + mcc(second)) / 2)
    for part in ("resampled", "left_out"):
        np.testing.assert_allclose(getattr(both, part), np.mean([getattr(one, part) for one in apart], axis=0))


def test_the_same_predictions_differ_by_nothing():
    both = seed_mean(runs(3), RESAMPLING)
    difference = both.minus(seed_mean(runs(3), RESAMPLING))
    assert difference.interval(RESAMPLING) == Interval(0, 0)
    assert difference.probability_positive() == 0.5


def test_pairing_is_sharper_than_two_intervals():
    """A variant that errs on one image more than the full head, in every seed: a small but sure loss."""
    full = runs(3)
    worse = []
    for run in full:
        right = np.flatnonzero((run.probabilities >= 0.5) == run.labels)[:4]
        flipped = run.probabilities.copy()
        flipped[right] = 1 - flipped[right]
        worse.append(Predictions(run.labels, run.blocks, flipped))
    ours, theirs = seed_mean(worse, RESAMPLING), seed_mean(full, RESAMPLING)
    apart = ours.interval(RESAMPLING).high - theirs.interval(RESAMPLING).low
    paired = ours.minus(theirs).interval(RESAMPLING)
    assert paired.high <= 0 < apart


def test_one_block_has_no_resamples():
    (run,) = runs(1)
    together = Predictions(run.labels, np.zeros(len(run.labels), int), run.probabilities)
    assert seed_mean([together], RESAMPLING) is None


def test_a_resample_of_one_class_says_nothing():
    labels = np.array([1, 1, 0, 0])
    run = Predictions(labels, np.array([0, 0, 1, 1]), np.array([0.9, 0.8, 0.1, 0.7]))
    found = seed_mean([run], RESAMPLING)
    assert np.isnan(found.left_out).all()  # without either block one class is left
    assert 0.3 < np.isnan(found.resampled).mean() < 0.7  # half of the draws take the same block twice
