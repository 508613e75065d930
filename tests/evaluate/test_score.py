import numpy as np
import pytest

from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.score import Predictions, difference_row, interval_name, rounded, score_row

RESAMPLING = Resampling(resamples=200, confidence=0.95, seed=1)
KEYS = [
    "mcc", "mcc_ci95", "n", "blocks", "accuracy", "precision", "recall", "f1", "auroc", "auprc", "ece", "brier",
    "threshold",
]  # fmt: skip


def predictions(probabilities, threshold=None, blocks=(1, 1, 2, 2, 3, 3)):
    return Predictions(np.array([0, 1, 0, 1, 0, 1]), np.array(blocks), np.array(probabilities), threshold)


def test_a_row_has_every_score_its_interval_and_its_size():
    row = score_row(predictions([0.1, 0.9, 0.2, 0.8, 0.6, 0.7], threshold=1 / 3), RESAMPLING)
    assert sorted(row) == sorted(KEYS)
    assert (row["n"], row["blocks"], row["threshold"]) == (6, 3, 0.333333)
    low, high = row["mcc_ci95"]
    assert low <= row["mcc"] <= high == 1.0


def test_the_interval_is_named_after_its_confidence():
    assert (interval_name(0.95), interval_name(0.9), interval_name(0.999)) == ("ci95", "ci90", "ci99.9")
    wide = Resampling(resamples=100, confidence=0.9, seed=1)
    assert "mcc_ci90" in score_row(predictions([0.1] * 6), wide)


def test_one_block_has_null_for_an_interval():
    assert score_row(predictions([0.1] * 6, blocks=[4] * 6), RESAMPLING)["mcc_ci95"] is None


def test_difference_to_a_model_that_decides_alike_is_zero_whatever_its_probabilities():
    row = difference_row(predictions([0.1, 0.9] * 3), predictions([0.4, 0.6] * 3), RESAMPLING)
    assert row == {"mcc": 0.0, "ci95": [0.0, 0.0], "probability_positive": 0.0}


def test_difference_to_a_constant_model_is_the_mcc():
    row = difference_row(predictions([0.1, 0.9] * 3), predictions([0.4] * 6), RESAMPLING)
    assert row["mcc"] == 1.0
    assert row["probability_positive"] == 1.0


def test_rounding_reaches_every_depth_and_keeps_counts():
    value = {"a": [1 / 3, {"b": -1e-9}], "n": 3, "none": None, "text": "x"}
    got = rounded(value)
    assert got == {"a": [0.333333, {"b": 0.0}], "n": 3, "none": None, "text": "x"}
    assert str(got["a"][1]["b"]) == "0.0"
    assert isinstance(got["n"], int)
    assert rounded(2.0) == pytest.approx(2)
