import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from roadwork.errors import DataError
from roadwork.evaluate.metrics import SCORES, bins_of, brier, calibration_error, decisions, reliability, scores


def test_scores_of_a_worked_example():
    labels = [1, 1, 1, 0, 0, 0, 0, 0]
    probabilities = [0.9, 0.8, 0.4, 0.7, 0.3, 0.2, 0.1, 0.0]
    got = scores(labels, probabilities)
    tp, fp, fn, tn = 2, 1, 1, 4
    assert got["n"] == 8
    assert got["accuracy"] == pytest.approx(6 / 8)
    assert got["precision"] == pytest.approx(2 / 3)
    assert got["recall"] == pytest.approx(2 / 3)
    assert got["f1"] == pytest.approx(2 / 3)
    assert got["mcc"] == pytest.approx((tp * tn - fp * fn) / np.sqrt(3 * 3 * 5 * 5))
    assert got["auroc"] == pytest.approx(14 / 15)  # one of 15 pairs is the wrong way round
    assert got["auprc"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert got["brier"] == pytest.approx(np.mean((np.array(labels) - probabilities) ** 2))


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 12)), min_size=1, max_size=60))
def test_every_score_is_that_of_scikit_learn(pairs):
    """One class, one decision, ties and perfect rankings included."""
    labels, probabilities = np.array([label for label, _ in pairs]), np.array([place / 12 for _, place in pairs])
    decided = (probabilities >= 0.5).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(labels, decided, average="binary")
        expected = {
            "mcc": metrics.matthews_corrcoef(labels, decided),
            "accuracy": metrics.accuracy_score(labels, decided),
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "brier": metrics.brier_score_loss(labels, probabilities, pos_label=1),
            "auroc": metrics.roc_auc_score(labels, probabilities) if len(set(labels)) == 2 else None,
            "auprc": metrics.average_precision_score(labels, probabilities) if labels.any() else None,
        }
    got = scores(labels, probabilities)
    assert {name: got[name] for name in expected} == {
        name: value if value is None else pytest.approx(value, abs=1e-12) for name, value in expected.items()
    }
    assert brier(labels, probabilities) == got["brier"]


def test_every_score_is_listed():
    assert set(scores([0, 1], [0.2, 0.9])) == {*SCORES, "n"}


def test_bins_are_of_equal_width_and_the_last_holds_one():
    assert bins_of(np.array([0.0, 0.099, 0.1, 0.55, 0.999, 1.0]), 10).tolist() == [0, 0, 1, 5, 9, 9]


def test_a_half_counts_as_roadwork():
    assert decisions([0.5, np.nextafter(0.5, 0)]).tolist() == [1, 0]


@pytest.mark.parametrize(("label", "auprc"), [(0, None), (1, 1.0)])
def test_one_class_only(label, auprc):
    got = scores([label] * 3, [0.2, 0.6, 0.9])
    assert got["mcc"] == 0
    assert got["auroc"] is None
    assert got["auprc"] == auprc


def test_constant_prediction_scores_zero():
    got = scores([0, 1, 1, 0], [0.1] * 4)
    assert (got["mcc"], got["precision"], got["f1"], got["auroc"]) == (0, 0, 0, 0.5)


def test_calibration_error_of_two_bins():
    # bin of 0.9: share 0.5, error 0.4, 4 of 6 images; bin of 0.1: share 0, error 0.1, 2 of 6 images
    labels, probabilities = [1, 1, 0, 0, 0, 0], [0.9, 0.9, 0.9, 0.9, 0.1, 0.1]
    assert calibration_error(labels, probabilities) == pytest.approx((4 * 0.4 + 2 * 0.1) / 6)


def test_perfect_confident_predictions_have_no_calibration_error():
    assert calibration_error([0, 1, 1], [0.0, 1.0, 1.0]) == 0


def test_reliability_leaves_empty_bins_out_and_keeps_every_image():
    rng = np.random.default_rng(0)
    bins = reliability(rng.integers(0, 2, 200), rng.uniform(size=200), bins=10)
    assert len(bins) == 10
    assert sum(b["n"] for b in bins) == 200
    assert all(i / 10 <= b["predicted"] <= (i + 1) / 10 for i, b in enumerate(bins))
    assert len(reliability([0, 1], [0.05, 0.06])) == 1


@pytest.mark.parametrize(
    ("labels", "probabilities"),
    [([], []), ([0, 1], [0.5]), ([0, -1], [0.5, 0.5]), ([0, 1], [0.5, 1.5]), ([0, 1], [0.5, float("nan")])],
)
def test_what_cannot_be_scored_is_an_error(labels, probabilities):
    with pytest.raises(DataError):
        scores(labels, probabilities)
