import numpy as np
import pytest

from roadwork.errors import DataError
from roadwork.evaluate.calibration import fit_calibration
from roadwork.evaluate.calibration_evidence import calibration_evidence, uncalibrated


def test_before_is_the_sigmoid_of_the_margin_and_after_what_was_given():
    found = calibration_evidence([0, 1], [np.log(3), np.log(3)], [0.25, 0.75])
    assert found["before"] == {"ece": 0.25, "brier": pytest.approx((0.75**2 + 0.25**2) / 2)}
    assert found["after"] == {"ece": 0.25, "brier": pytest.approx(0.25**2)}


def test_uncalibrated_is_the_softmax_of_the_two_logits():
    logits = np.array([[1.0, 2.5], [0.3, -4.0]])
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert uncalibrated(logits[:, 1] - logits[:, 0]) == pytest.approx(softmax[:, 1])


def test_an_overconfident_and_shifted_head_is_better_after_calibration_on_other_images():
    rng = np.random.default_rng(6)
    log_odds = rng.normal(0, 2, 4000)
    labels = (rng.uniform(size=4000) < 1 / (1 + np.exp(-log_odds))).astype(int)
    margins = 5 * log_odds - 4
    calibration = fit_calibration(labels[:2000], margins[:2000])
    found = calibration_evidence(labels[2000:], margins[2000:], calibration.probabilities(margins[2000:]))
    assert found["before"]["ece"] > 0.1
    assert found["after"]["ece"] < 0.05
    assert found["after"]["brier"] < found["before"]["brier"] - 0.03


def test_different_lengths_are_an_error():
    with pytest.raises(DataError):
        calibration_evidence([0, 1], [0.5], [0.5, 0.5])
