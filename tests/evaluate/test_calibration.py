import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import matthews_corrcoef

from roadwork.errors import DataError, SplitError
from roadwork.evaluate.bootstrap import block_counts, mcc_of_counts
from roadwork.evaluate.calibration import Calibration, best_threshold, fit_calibration
from roadwork.evaluate.metrics import decisions


def test_probability_at_the_threshold_is_a_half():
    calibration = Calibration(scale=2.0, threshold=-1.5)
    assert calibration.probabilities([-1.5, -0.5, -2.5]).tolist() == pytest.approx(
        [0.5, 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))]
    )


def test_extreme_margins_stay_probabilities():
    assert Calibration(scale=1e3, threshold=0).probabilities([-1e6, 1e6]).tolist() == [0, 1]


def test_threshold_is_the_midpoint_of_the_gap_between_separable_classes():
    assert best_threshold([0, 0, 1, 1], [-3, -1, 2, 5]) == 0.5


def test_the_widest_of_equal_plateaus_wins():
    # Cut at 0.5: one false positive. Cut at 4: one false negative, the same MCC by symmetry, in a wider gap.
    margins, labels = [-1.0, 0.0, 1.0, 2.0, 6.0, 7.0], [0, 0, 1, 0, 1, 1]
    assert best_threshold(labels, margins) == 4.0


def test_a_head_that_knows_nothing_gets_the_majority_class():
    assert best_threshold([0, 0, 1], [2.0, 2.0, 2.0]) == 3.0
    assert best_threshold([1, 0, 1], [2.0, 2.0, 2.0]) == 1.0
    assert best_threshold([1, 1, 0, 0, 0], [1.0, 2.0, 3.0, 4.0, 5.0]) == 6.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=2, max_size=30))
def test_no_threshold_has_a_higher_mcc(rows):
    labels, margins = np.array([int(r[0]) for r in rows]), np.array([float(r[1]) for r in rows])

    def mcc(threshold):
        return float(mcc_of_counts(block_counts(labels, margins > threshold, np.zeros(len(labels))).sum(0)))

    assert max(mcc(threshold) for threshold in np.arange(-6.5, 7)) <= mcc(best_threshold(labels, margins)) + 1e-9


SPECIAL = [0.0, 1.0, float(np.nextafter(1.0, 2.0)), 1e-300]
MARGINS = st.lists(st.floats(-1e6, 1e6) | st.sampled_from(SPECIAL), min_size=3, max_size=30)


@st.composite
def labelled_margins(draw):
    margins = np.array(draw(MARGINS))
    labels = np.array(draw(st.lists(st.integers(0, 1), min_size=len(margins), max_size=len(margins))))
    labels[:2] = [0, 1]
    return labels, margins


@settings(max_examples=200, deadline=None)
@given(labelled_margins())
def test_a_probability_of_one_half_is_the_boundary_of_the_highest_mcc(images):
    labels, margins = images
    with warnings.catch_warnings():  # a boundary beyond all margins decides for one class: the MCC is 0
        warnings.simplefilter("ignore")
        every_boundary = [matthews_corrcoef(labels, margins >= edge) for edge in [*np.unique(margins), np.inf]]
        reached = matthews_corrcoef(labels, fit_calibration(labels, margins).probabilities(margins) >= 0.5)
    assert reached == pytest.approx(max(every_boundary), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(labelled_margins())
def test_probabilities_never_fall_with_the_margin_and_decide_as_the_threshold_does(images):
    labels, margins = images
    calibration = fit_calibration(labels, margins)
    probabilities = calibration.probabilities(np.sort(margins))
    assert (np.diff(probabilities) >= 0).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert (decisions(calibration.probabilities(margins)) == (margins >= calibration.threshold)).all()


def test_neighbouring_floats_are_told_apart():
    low = 1.0
    high = np.nextafter(low, 2.0)
    assert decisions(fit_calibration([0, 1], [low, high]).probabilities([low, high])).tolist() == [0, 1]


def test_a_margin_a_hair_below_the_threshold_stays_below_one_half():
    calibration = Calibration(scale=1e-3, threshold=1.0)
    assert calibration.probabilities(np.nextafter(1.0, 0.0)) < 0.5
    assert calibration.probabilities(1.0) == 0.5


def test_the_scale_of_a_known_logistic_model_is_found():
    rng = np.random.default_rng(2)
    margins = rng.normal(0, 2, 20_000)
    labels = rng.uniform(size=20_000) < 1 / (1 + np.exp(-1.7 * margins))
    calibration = fit_calibration(labels.astype(int), margins)
    assert calibration.scale == pytest.approx(1.7, abs=0.1)
    assert calibration.threshold == pytest.approx(0, abs=0.15)


def test_separable_classes_keep_a_finite_scale():
    # Symmetric at ±1 with 10 of each: Platt's target is 11/12, so sigmoid(scale) = 11/12.
    calibration = fit_calibration([0] * 10 + [1] * 10, [-1.0] * 10 + [1.0] * 10)
    assert calibration.threshold == 0
    assert calibration.scale == pytest.approx(np.log(11), rel=1e-4)


def test_the_scale_follows_the_unit_of_the_margin():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 200)
    margins = labels + rng.normal(0, 1, 200)
    small, large = fit_calibration(labels, margins * 1e-3), fit_calibration(labels, margins * 1e3)
    assert small.scale / large.scale == pytest.approx(1e6, rel=1e-4)


def test_constant_margins_are_calibrated_to_a_decision_not_an_error():
    calibration = fit_calibration([0, 0, 1], [2.0, 2.0, 2.0])
    assert decisions(calibration.probabilities([2.0])).tolist() == [0]


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], []])
def test_one_class_is_an_error_that_says_where(labels):
    with pytest.raises(SplitError, match=r"(?s)each class") as error:
        fit_calibration(labels, [0.5] * len(labels), where="the val split")
    assert "the val split" in str(error.value)


def test_a_margin_that_is_not_finite_is_an_error():
    with pytest.raises(DataError, match="finite"):
        fit_calibration([0, 1], [0.0, float("nan")])


def test_a_calibration_refuses_nonsense():
    with pytest.raises(ValidationError):
        Calibration(scale=0, threshold=0)
    with pytest.raises(ValidationError):
        Calibration(scale=1, threshold=float("inf"))
