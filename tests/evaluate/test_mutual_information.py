import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwork.evaluate.mutual_information import mutual_information_bits


def by_formula(labels, values):
    total = 0.0
    for label in set(labels):
        for value in set(values):
            both = np.mean([(one, other) == (label, value) for one, other in zip(labels, values, strict=True)])
            if both:
                total += both * np.log2(both / (np.mean(np.equal(labels, label)) * np.mean(np.equal(values, value))))
    return total


def test_known_answers():
    assert mutual_information_bits([0, 0, 1, 1], [5, 5, 7, 7]) == pytest.approx(1)
    assert mutual_information_bits([0, 0, 1, 1], [5, 7, 5, 7]) == 0
    assert mutual_information_bits([0, 1], [3, 3]) == 0
    # p(known) = 1/2, p(roadwork | known) = 3/4, p(roadwork | null) = 1/4: 1 - H(1/4)
    labels, known = [1, 1, 1, 0, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0]
    assert mutual_information_bits(labels, known) == pytest.approx(1 + 0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=1, max_size=30))
def test_it_is_the_formula(pairs):
    labels, values = zip(*pairs, strict=True)
    assert mutual_information_bits(labels, values) == pytest.approx(by_formula(labels, values), abs=1e-12)


def test_nothing_known_says_nothing():
    assert mutual_information_bits(np.array([], int), np.array([], int)) is None
