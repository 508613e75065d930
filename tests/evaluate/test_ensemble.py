import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from roadwork.errors import ParameterError, StoreError
from roadwork.evaluate.calibration import Calibration, fit_calibration
from roadwork.evaluate.ensemble import (
    bundle_calibrations,
    mean_margin,
    mean_margins,
    rank_members,
    with_probabilities,
)
from roadwork.evaluate.ensemble_config import EnsembleConfig


def test_the_best_members_come_first():
    assert rank_members({0: 0.5, 1: 0.9, 2: 0.7}, 2) == (1, 2)


def test_of_equals_the_lower_fold_comes_first():
    assert rank_members({4: 0.8, 2: 0.8, 3: 0.9, 0: 0.1}, 3) == (3, 2, 4)


def test_more_members_than_folds_is_an_error_with_the_fix():
    with pytest.raises(ParameterError, match=r"ensemble\.members: 2"):
        rank_members({0: 0.5, 1: 0.9}, 3)


def test_averaging_margins_is_averaging_logits():
    logits = np.random.default_rng(0).normal(size=(3, 5, 2))  # member image class
    margins = [member[:, 1] - member[:, 0] for member in logits]
    average = logits.mean(axis=0)
    assert mean_margin(margins) == pytest.approx(average[:, 1] - average[:, 0])


def test_the_bundles_calibration_uses_every_labelled_fold():
    oof = pd.DataFrame(
        {
            "label": pd.array([0, 1, 0, 1, None], dtype="Int8"),
            "margin_image_only": [-3.0, 1.0, -1.0, 3.0, 99.0],
            "margin_with_metadata": [0.0, 6.0, 2.0, 8.0, -99.0],
        }
    )
    found = bundle_calibrations(oof)
    assert found["image_only"] == fit_calibration([0, 1, 0, 1], [-3.0, 1.0, -1.0, 3.0])
    assert found["image_only"].threshold == 0
    assert found["with_metadata"].threshold == 4


def test_no_members_are_refused():
    with pytest.raises(ValidationError):
        EnsembleConfig(members=0)


def test_members_speak_of_each_image_by_their_mean():
    one = pd.DataFrame({"image_id": ["a", "b"], "margin_image_only": [1.0, 2.0], "margin_with_metadata": [0.0, 0.0]})
    two = one.assign(margin_image_only=[3.0, -2.0])
    found = mean_margins([one, two])
    assert found["margin_image_only"].tolist() == [2.0, 0.0]
    assert found["image_id"].tolist() == ["a", "b"]
    with pytest.raises(StoreError, match=r"(?s)different images.*roadwork finetune"):
        mean_margins([one, two.assign(image_id=["a", "c"])])


def test_probabilities_stand_beside_the_margins():
    calibrations = {mode: Calibration(scale=2, threshold=1) for mode in ("image_only", "with_metadata")}
    margins = pd.DataFrame({"image_id": ["a"], "margin_image_only": [1.0], "margin_with_metadata": [0.0]})
    found = with_probabilities(margins, calibrations)
    assert found["probability_image_only"].tolist() == [0.5]
    assert found["probability_with_metadata"].tolist() == [pytest.approx(1 / (1 + np.exp(2)))]
    assert len(with_probabilities(margins.iloc[:0], calibrations)) == 0
