import dataclasses
import json

import numpy as np
import pytest
import torch

from roadwork.errors import SplitError
from roadwork.evaluate.baselines import NAMES
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.calibration import Calibration, fit_calibration
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.metrics import decisions, scores
from roadwork.evaluate.oof import cross_fitted
from roadwork.evaluate.scorecard import evaluate, labelled
from roadwork.seeding import derive

CONFIG = EvaluateConfig(resamples=200, confidence=0.95, neighbours=(1, 5), regularisation=(0.01, 1.0))
CALIBRATIONS = {"image_only": Calibration(scale=2, threshold=0.1), "with_metadata": Calibration(scale=1, threshold=0)}
ROW = {
    "mcc", "mcc_ci95", "n", "blocks", "accuracy", "precision", "recall", "f1", "auroc", "auprc", "ece", "brier",
    "threshold",
}  # fmt: skip
DIFFERENCE = {"mcc", "ci95", "probability_positive"}


@pytest.fixture
def run(model, oof, metadata_config):
    def call(table, oof=oof, seed=17):
        return evaluate(table, model, [model, model], CALIBRATIONS, oof, CONFIG, metadata_config, seed=seed)

    return call


def test_the_file_has_exactly_its_keys(run, table):
    card = run(table).scorecard
    assert set(card) == {
        "confidence", "resamples", "unlabelled", "test", "oof", "oof_with_metadata", "holdout",
        "holdout_with_metadata", "baselines", "leak_audit",
    }  # fmt: skip
    assert set(card["test"]["image_only"]) == ROW
    assert set(card["test"]["with_metadata"]) == ROW | {"difference"}
    assert set(card["oof"]) == set(card["oof_with_metadata"]) == ROW | {"label", "fold_thresholds"}
    assert set(card["holdout"]) == set(card["holdout_with_metadata"]) == ROW
    assert tuple(card["baselines"]) == NAMES
    for name in NAMES:
        assert set(card["baselines"][name]) - {"regularisation", "neighbours"} == ROW | {"difference"}
        assert set(card["baselines"][name]["difference"]) == DIFFERENCE
    json.dumps(card, allow_nan=False)


def test_the_headline_is_calibrated_on_val_and_scored_on_test(run, table, model):
    val, test = labelled(table, "val"), labelled(table, "test")
    calibration = fit_calibration(val.labels.numpy(), model(val, True))
    expected = scores(test.labels.numpy(), calibration.probabilities(model(test, True)))
    row = run(table).scorecard["test"]["image_only"]
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, abs=1e-6)
    assert row["threshold"] == pytest.approx(calibration.threshold, abs=1e-6)
    assert row["n"] == 30


def test_metadata_counts_only_in_its_own_row(run, table):
    card = run(table).scorecard
    assert card["test"]["with_metadata"]["mcc"] == 1  # the weather is the label
    assert card["test"]["image_only"]["mcc"] < 1
    difference = card["test"]["with_metadata"]["difference"]["mcc"]
    assert difference == pytest.approx(1 - card["test"]["image_only"]["mcc"], abs=2e-6)


def test_out_of_fold_is_cross_fitted_and_says_what_it_is(run, table, oof):
    labels, folds = oof["label"].to_numpy(np.int64), oof["fold"].to_numpy()
    probabilities, calibrations = cross_fitted(labels, oof["margin_image_only"], folds)
    row = run(table).scorecard["oof"]
    assert row["mcc"] == pytest.approx(scores(labels, probabilities)["mcc"], abs=1e-6)
    assert row["label"] == "adapted to the test distribution"
    assert row["threshold"] is None
    assert row["fold_thresholds"] == {str(k): pytest.approx(c.threshold, abs=1e-6) for k, c in calibrations.items()}


def test_holdout_is_scored_with_the_bundles_own_calibration(run, table, model):
    part = labelled(table, "holdout")
    expected = scores(part.labels.numpy(), CALIBRATIONS["image_only"].probabilities(model(part, True)))
    row = run(table).scorecard["holdout"]
    assert (row["mcc"], row["brier"]) == pytest.approx((expected["mcc"], expected["brier"]), abs=1e-6)
    assert row["threshold"] == 0.1


def test_no_holdout_is_said_not_invented(run, table):
    card = run(table.rows(table.split != "holdout")).scorecard
    assert card["holdout"] is None
    assert card["holdout_with_metadata"] is None
    assert card["holdout_note"] == "not measurable on this data"


def test_members_speak_by_their_mean_margin(model, table, oof, metadata_config):
    members = [lambda t, hide: model(t, hide) + 3.0, lambda t, hide: model(t, hide) - 3.0]
    card = evaluate(table, model, members, CALIBRATIONS, oof, CONFIG, metadata_config, seed=17).scorecard
    one = evaluate(table, model, [model], CALIBRATIONS, oof, CONFIG, metadata_config, seed=17).scorecard
    assert card["holdout"] == one["holdout"]


def test_each_baseline_is_compared_on_the_headlines_resamples(run, table):
    result = run(table)
    card, headline = result.scorecard, result.headline
    row = card["baselines"]["majority"]
    constant = np.full(30, int(labelled(table, "train").labels.double().mean() >= 0.5))
    resampling = Resampling(200, 0.95, derive(17, "bootstrap"))
    by_hand = resampling.difference(headline.labels, decisions(headline.probabilities), constant, headline.blocks)
    assert by_hand.interval is not None
    assert row["mcc"] == 0
    assert row["threshold"] is None
    assert row["difference"] == {
        "mcc": pytest.approx(by_hand.mcc, abs=1e-6),
        "ci95": pytest.approx([by_hand.interval.low, by_hand.interval.high], abs=1e-6),
        "probability_positive": by_hand.probability_positive,
    }


def test_unlabelled_images_are_left_out_and_counted(run, table, oof):
    labels = table.labels.clone()
    rows = np.flatnonzero(table.split == "test")[:4]
    labels[torch.from_numpy(rows)] = -1
    oof = oof.copy()
    oof.loc[:3, "label"] = None
    card = run(dataclasses.replace(table, labels=labels), oof=oof).scorecard
    assert card["unlabelled"] == {"test": 4, "holdout": 0}
    assert card["test"]["image_only"]["n"] == card["baselines"]["linear_probe_mean"]["n"] == card["oof"]["n"] == 26


def test_the_same_seed_gives_the_same_bytes_and_another_moves_only_intervals(run, table):
    first, again, other = (json.dumps(run(table, seed=seed).scorecard) for seed in (17, 17, 18))
    assert first == again
    assert first != other
    assert json.loads(first)["test"]["image_only"]["mcc"] == json.loads(other)["test"]["image_only"]["mcc"]


def test_a_test_split_without_labels_is_an_error(run, table):
    labels = table.labels.clone()
    labels[torch.from_numpy(table.split == "test")] = -1
    with pytest.raises(SplitError, match="test split"):
        run(dataclasses.replace(table, labels=labels))


def test_a_val_split_of_one_class_is_an_error(run, table):
    labels = table.labels.clone()
    labels[torch.from_numpy(table.split == "val")] = 0
    with pytest.raises(SplitError, match="val split"):
        run(dataclasses.replace(table, labels=labels))
