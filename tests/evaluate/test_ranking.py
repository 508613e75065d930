import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from roadwork.evaluate.ranking import Ranking, divided


def areas(labels, probabilities, weights):
    ranking = Ranking(labels, probabilities)
    return ranking.areas(np.atleast_2d(np.asarray(weights, float))[:, ranking.order])


def test_areas_of_a_worked_example():
    # Ranked + + - + - - - -: one of 15 pairs is the wrong way round.
    probabilities = [0.9, 0.8, 0.4, 0.7, 0.3, 0.2, 0.1, 0.0]
    assert areas([1, 1, 1, 0, 0, 0, 0, 0], probabilities, np.ones(8))[0] == pytest.approx(
        [14 / 15, (1 + 1 + 3 / 4) / 3]
    )


def test_a_tie_counts_half_and_is_one_point_of_the_curve():
    assert areas([1, 0], [0.5, 0.5], [1, 1])[0] == pytest.approx([0.5, 0.5])
    assert areas([1, 0, 0], [0.5, 0.5, 0.1], [1, 3, 4])[0] == pytest.approx([(1.5 + 4) / 7, 0.25])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=30), st.integers(0, 10_000))
def test_every_weighting_gives_scikit_learns_areas(images, seed):
    labels, probabilities = np.array([int(i[0]) for i in images]), np.array([i[1] / 6 for i in images])
    weights = np.random.default_rng(seed).poisson(1.0, (5, len(images))).astype(float)
    got = areas(labels, probabilities, weights)
    for (auroc, precision), weight in zip(got, weights, strict=True):
        held = labels[weight > 0]
        if len(set(held)) == 2:
            assert auroc == pytest.approx(roc_auc_score(labels, probabilities, sample_weight=weight))
        else:
            assert np.isnan(auroc)
        if held.any():
            expected = average_precision_score(labels, probabilities, sample_weight=weight)
            assert precision == pytest.approx(expected)
        else:
            assert np.isnan(precision)


def test_one_class_can_not_be_ranked():
    got = areas([0, 1], [0.2, 0.7], [[1, 0], [0, 1], [0, 0], [1, 1]])
    assert np.isnan(got[:, 0]).tolist() == [True, True, True, False]
    assert np.isnan(got[:, 1]).tolist() == [True, False, True, False]
    assert got[1, 1] == got[3, 0] == got[3, 1] == 1


def test_division_by_nothing_is_undefined():
    assert divided(np.array([1.0, 0.0]), np.array([2.0, 0.0])).tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
