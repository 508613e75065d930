import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch

from roadwork.config import load_section
from roadwork.evaluate.answers import labelled, unseen_margins
from roadwork.evaluate.baselines import NAMES
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.calibration import Calibration
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.ensemble import mean_margins, with_probabilities
from roadwork.evaluate.headline import headline, predictions_of
from roadwork.evaluate.metrics import SCORES, scores
from roadwork.evaluate.oof import cross_fitted
from roadwork.evaluate.score import Predictions, difference_row
from roadwork.evaluate.scorecard import Scored, evaluate
from roadwork.evaluate.without_head import without_head
from roadwork.seeding import derive

CALIBRATIONS = {"image_only": Calibration(scale=2, threshold=0.1), "with_metadata": Calibration(scale=1, threshold=0)}
ROW = {"n", "blocks", "threshold", *SCORES, *(f"{name}_ci95" for name in SCORES)}
DIFFERENCE = {f"{name}{suffix}" for name in SCORES for suffix in ("", "_ci95", "_probability_positive")}
CHOSEN = {"regularisation", "neighbours", "lr", "weight_decay", "epochs"}
EXACT = {"within_splits": 0, "across_splits": 0, "conflicting_labels": 0}


@pytest.fixture(scope="module")
def config(request):
    found = load_section(request.config.rootpath / "params.yaml", "evaluate", EvaluateConfig)
    mil = found.attention_mil.model_copy(update={"hidden": 4, "lr": (0.01,), "weight_decay": (0.01,), "epochs": 3})
    few = {"resamples": 200, "neighbours": (1, 5), "regularisation": (0.01, 1.0), "attention_mil": mil}
    return found.model_copy(update=few)


@pytest.fixture(scope="module")
def frame(table):
    """The manifest's rows of `table`: two towns, two sizes, some weather."""
    n = len(table)
    return pd.DataFrame(
        {
            "image_id": table.image_ids,
            "source": "test",
            "group": None,
            "label": table.labels.numpy(),
            "path": [f"{i}.jpg" for i in range(n)],
            "width_px": np.where(np.arange(n) % 3, 1920, 4032),
            "height_px": np.where(np.arange(n) % 3, 1080, 3024),
            "latitude_deg": np.where(np.arange(n) % 2, 47.4, 52.5),
            "longitude_deg": np.where(np.arange(n) % 2, 8.5, 13.4),
            "weather": pd.array(np.where(np.arange(n) % 4, "a", None), dtype="str"),
            "daytime": pd.array([None] * n, dtype="str"),
            "scene": pd.array([None] * n, dtype="str"),
            "description": pd.array([None] * n, dtype="str"),
        }
    )


@pytest.fixture(scope="module")
def run(model, oof, metadata_config, config, frame):
    def call(table, oof=oof, seed=17, members=(model, model)):
        found = headline(unseen_margins(table, model), config.resampling(seed), head_sha256="a")
        rows = frame.set_index("image_id").loc[table.image_ids].reset_index()
        labels = table.labels.numpy()
        rows["label"] = pd.array(np.where(labels < 0, 0, labels), dtype="Int8")
        rows.loc[labels < 0, "label"] = pd.NA
        baselines = without_head(table, rows, EXACT, metadata_config, config, seed=seed)
        scored = Scored(
            frame=rows,
            divided=pd.DataFrame({"split": table.split, "block": table.block}),
            predictions=found.predictions,
            headline=found.metrics,
            oof=oof,
            holdout=with_probabilities(
                mean_margins([unseen_margins(table, member, ("holdout",)) for member in members]), CALIBRATIONS
            ),
            calibrations=CALIBRATIONS,
            baselines=baselines.table,
            without_head=json.loads(json.dumps(baselines.metrics)),
        )
        return evaluate(scored, config, seed=seed)

    return call


@pytest.fixture(scope="module")
def card(run, table):
    return run(table).scorecard


def test_the_file_has_exactly_its_keys(card):
    assert set(card) == {
        "confidence", "resamples", "unlabelled", "test", "oof", "oof_with_metadata", "oof_unadapted", "holdout",
        "holdout_with_metadata", "baselines", "leak_audit", "duplicates", "subgroups", "calibration",
    }  # fmt: skip
    assert set(card["test"]["image_only"]) == ROW
    assert set(card["test"]["with_metadata"]) == ROW | {"difference"}
    assert set(card["oof"]) == ROW | {"label", "fold_thresholds", "difference"}
    assert set(card["oof_with_metadata"]) == ROW | {"label", "fold_thresholds"}
    assert set(card["oof_unadapted"]) == ROW | {"fold_thresholds"}
    assert set(card["holdout"]) == set(card["holdout_with_metadata"]) == ROW
    assert tuple(card["baselines"]) == NAMES
    for name in NAMES:
        assert set(card["baselines"][name]) - CHOSEN == ROW | {"difference"}
        assert set(card["baselines"][name]["difference"]) == DIFFERENCE
    json.dumps(card, allow_nan=False)


def test_the_headline_is_as_its_own_stage_scored_it(card, table, model, config):
    assert (
        card["test"] == headline(unseen_margins(table, model), config.resampling(17), head_sha256="a").metrics["test"]
    )


def test_out_of_fold_is_cross_fitted_and_says_what_it_is(card, oof):
    labels, folds = oof["label"].to_numpy(np.int64), oof["fold"].to_numpy()
    probabilities, calibrations = cross_fitted(labels, oof["margin_image_only"], folds)
    row = card["oof"]
    assert row["mcc"] == pytest.approx(scores(labels, probabilities)["mcc"], abs=1e-6)
    assert row["label"] == "adapted to the test distribution"
    assert row["threshold"] is None
    assert row["fold_thresholds"] == {str(k): pytest.approx(c.threshold, abs=1e-6) for k, c in calibrations.items()}


def test_fine_tuning_is_compared_with_the_head_it_started_from(run, table, oof):
    """The out-of-fold margins are the pretrained ones here; once they are turned around, that is what is seen."""
    same = run(table).scorecard
    assert same["oof"]["difference"]["mcc"] == 0
    assert same["oof_unadapted"]["mcc"] == same["oof"]["mcc"]
    noise = np.random.default_rng(0).normal(size=len(oof))
    worse = run(table, oof=oof.assign(margin_image_only=noise)).scorecard
    assert worse["oof_unadapted"] == same["oof_unadapted"]
    assert worse["oof"]["difference"]["mcc"] == pytest.approx(worse["oof"]["mcc"] - same["oof"]["mcc"], abs=2e-6)
    assert worse["oof"]["difference"]["mcc"] < 0


def test_holdout_is_scored_with_the_bundles_own_calibration(card, table, model):
    part = labelled(table, "holdout")
    expected = scores(part.labels.numpy(), CALIBRATIONS["image_only"].probabilities(model(part)["image_only"]))
    row = card["holdout"]
    assert (row["mcc"], row["brier"]) == pytest.approx((expected["mcc"], expected["brier"]), abs=1e-6)
    assert row["threshold"] == 0.1


def test_no_holdout_is_said_not_invented(run, table):
    card = run(table.rows(table.split != "holdout")).scorecard
    assert card["holdout"] is None
    assert card["holdout_with_metadata"] is None
    assert card["holdout_note"] == "not measurable on this data"


def test_members_speak_by_their_mean_margin(run, model, table, card):
    def moved(by):
        return lambda table: {mode: margins + by for mode, margins in model(table).items()}

    members = [moved(3.0), moved(-3.0)]
    assert run(table, members=members).scorecard["holdout"] == card["holdout"]


def test_each_baseline_is_compared_on_the_headlines_resamples(card, table, model):
    found = headline(unseen_margins(table, model), Resampling(200, 0.95, derive(17, "bootstrap")), head_sha256="a")
    own = predictions_of(found.predictions, "test", "image_only")
    share = float(labelled(table, "train").labels.double().mean())
    constant = Predictions(own.labels, own.blocks, np.full(30, share))
    row = card["baselines"]["majority"]
    assert row["mcc"] == 0
    assert row["threshold"] is None
    assert row["difference"] == difference_row(own, constant, Resampling(200, 0.95, derive(17, "bootstrap")))


def test_subgroups_are_of_the_test_images(card):
    for part in card["subgroups"].values():
        assert sum(row["n"] for row in part.values()) == 30
    assert set(card["subgroups"]["city"]) == {"47.4° N, 8.5° E", "52.5° N, 13.4° E"}


def test_rows_of_another_order_change_nothing(run, table, card, oof):
    order = np.random.default_rng(1).permutation(len(table))
    shuffled = run(table.rows(order)).scorecard
    for name in ("oof", "oof_unadapted", "holdout", "calibration"):
        assert shuffled[name] == card[name]
    assert shuffled["test"]["image_only"]["mcc"] == card["test"]["image_only"]["mcc"]
    assert {k: v["n"] for k, v in shuffled["subgroups"]["city"].items()} == {
        k: v["n"] for k, v in card["subgroups"]["city"].items()
    }


def test_every_curve_has_a_file(run, table):
    assert set(run(table).plots) == {
        "roc", "precision_recall", "confusion", "calibration", "calibration_before", "oof_calibration",
        "oof_calibration_before",
    }  # fmt: skip


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
