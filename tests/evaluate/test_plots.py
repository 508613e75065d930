import json

import numpy as np
import pytest

from roadwork.evaluate.plots import plot_data
from roadwork.evaluate.score import Predictions


def data(labels, probabilities):
    return plot_data(Predictions(np.array(labels), np.arange(len(labels)), np.array(probabilities)))


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
