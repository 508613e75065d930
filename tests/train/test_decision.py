"""The best decision, held against scikit-learn at every threshold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix_at_thresholds, matthews_corrcoef

from roadwork.train.decision import best_decision


def test_the_lowest_margin_that_counts_as_roadwork_is_the_threshold():
    assert best_decision([0, 0, 1, 1], [-9.0, -8.0, -5.0, -4.0]) == (1.0, -5.0)


def test_a_reversed_order_and_equal_margins_are_worth_nothing():
    assert best_decision([0, 0, 1, 1], [4.0, 3.0, 2.0, 1.0]).mcc == 0.0
    assert best_decision([0, 1], [0.0, 0.0]).mcc == 0.0


def test_among_equals_the_highest_threshold():
    assert best_decision([1, 0, 1, 0], [3.0, 2.0, 1.0, 0.0]).threshold == 3.0


images = st.lists(st.tuples(st.integers(0, 1), st.integers(-4, 4)), min_size=2, max_size=40).filter(
    lambda pairs: len({label for label, _ in pairs}) == 2
)


@given(images)
def test_it_is_the_best_of_all_thresholds_by_the_counts_of_scikit_learn(pairs):
    labels, margins = np.array([label for label, _ in pairs]), np.array([margin / 7 for _, margin in pairs])
    found = best_decision(labels, margins)
    tn, fp, fn, tp, thresholds = confusion_matrix_at_thresholds(labels, margins)
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    mcc = np.where(product > 0, (tp * tn - fp * fn) / np.sqrt(np.maximum(product, 1)), 0.0)
    assert found == (mcc.max(), thresholds[mcc.argmax()]), "bit for bit: early stopping compares these numbers"
    assert found.mcc == pytest.approx(matthews_corrcoef(labels, margins >= found.threshold), abs=1e-12)


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=30))
def test_agrees_with_scikit_learn_at_every_threshold(rows):
    labels, margins = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    best = best_decision(labels, margins)
    reachable = [matthews_corrcoef(labels, margins >= threshold) for threshold in np.unique(margins)]
    assert best.mcc == pytest.approx(max(0.0, *reachable))
    assert matthews_corrcoef(labels, margins >= best.threshold) == pytest.approx(best.mcc)
