"""The curves, held against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from roadwork.evaluate.curves import precision_recall_curve, roc_curve

images = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 12)), min_size=2, max_size=60).filter(
    lambda pairs: len({label for label, _ in pairs}) == 2
)


def split(pairs):
    return np.array([label for label, _ in pairs]), np.array([place / 12 for _, place in pairs])


@given(images)
def test_the_roc_curve_is_that_of_scikit_learn(pairs):
    fpr, tpr, _ = metrics.roc_curve(*split(pairs))
    found = roc_curve(*split(pairs))
    np.testing.assert_array_equal(found[0], fpr)
    np.testing.assert_array_equal(found[1], tpr)


@given(images)
def test_precision_over_recall_is_that_of_scikit_learn_from_left_to_right(pairs):
    precision, recall, _ = metrics.precision_recall_curve(*split(pairs), drop_intermediate=True)
    found = precision_recall_curve(*split(pairs))
    np.testing.assert_array_equal(found[0], recall[::-1])
    np.testing.assert_array_equal(found[1], precision[::-1])


def test_labels_may_be_a_plain_list():
    fpr, tpr = roc_curve([0, 1], [0.2, 0.8])
    assert (fpr.tolist(), tpr.tolist()) == ([0, 0, 1], [0, 1, 1])
    recall, precision = precision_recall_curve([0, 1], [0.2, 0.8])
    assert recall.tolist() == [0, 1, 1]
    assert precision == pytest.approx([1, 1, 0.5])
