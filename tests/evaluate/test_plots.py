import json

import numpy as np
import pytest

from roadwork.evaluate.plots import plot_data
from roadwork.evaluate.score import Predictions


def data(labels, probabilities, margins=None, oof=None, oof_margins=None):
    headline = Predictions(np.array(labels), np.arange(len(labels)), np.array(probabilities))
    zeros = np.zeros(len(labels)) if margins is None else np.array(margins)
    return plot_data(headline, zeros, oof or headline, zeros if oof_margins is None else np.array(oof_margins))


def test_curves_of_a_worked_example():
    got = data([0, 1, 0, 1], [0.1, 0.4, 0.6, 0.9])
    assert got["roc"] == [
        {"fpr": 0, "tpr": 0}, {"fpr": 0, "tpr": 0.5}, {"fpr": 0.5, "tpr": 0.5}, {"fpr": 0.5, "tpr": 1},
        {"fpr": 1, "tpr": 1},
    ]  # fmt: skip
    assert got["precision_recall"][0] == {"recall": 0, "precision": 1}
    assert {"recall": 1, "precision": pytest.approx(2 / 3, abs=1e-6)} in got["precision_recall"]
    assert got["confusion"] == [
        {"actual": "none", "predicted": "none"}, {"actual": "roadwork", "predicted": "none"},
        {"actual": "none", "predicted": "roadwork"}, {"actual": "roadwork", "predicted": "roadwork"},
    ]  # fmt: skip
    assert [point["n"] for point in got["calibration"]] == [1, 1, 1, 1]


def test_reliability_before_and_after_calibration_of_the_headline_and_out_of_fold():
    oof = Predictions(np.array([1, 1, 0]), np.arange(3), np.array([0.9, 0.9, 0.2]))
    got = data([0, 1], [0.3, 0.7], margins=[np.log(1 / 4), np.log(4)], oof=oof, oof_margins=[0.0, 0.0, 0.0])
    points = {name: [tuple(point.values()) for point in got[name]] for name in got if "calibration" in name}
    assert points == {
        "calibration": [(0.3, 0, 1), (0.7, 1, 1)],
        "calibration_before": [(0.2, 0, 1), (0.8, 1, 1)],
        "oof_calibration": [(0.2, 0, 1), (0.9, 1, 2)],
        "oof_calibration_before": [(0.5, pytest.approx(2 / 3, abs=1e-6), 3)],
    }
    assert set(got) == {"roc", "precision_recall", "confusion", *points}


def test_curves_run_from_left_to_right():
    rng = np.random.default_rng(0)
    got = data(rng.integers(0, 2, 200), rng.uniform(size=200))
    for name, axis in (("roc", "fpr"), ("precision_recall", "recall"), ("calibration", "predicted")):
        values = [point[axis] for point in got[name]]
        assert values == sorted(values)


def test_one_class_has_no_curves_and_nothing_is_infinite():
    got = data([1, 1], [0.2, 0.7])
    assert got["roc"] == got["precision_recall"] == []
    assert len(got["confusion"]) == 2
    json.dumps(data([0, 1], [0.2, 0.7]), allow_nan=False)
