import dataclasses
import json

import numpy as np
import pytest
import torch

from roadwork.errors import SplitError, StoreError
from roadwork.evaluate.answers import labelled, unseen_margins
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.calibration import fit_calibration
from roadwork.evaluate.headline import calibrations_of, check_headline, headline, predictions_of
from roadwork.evaluate.metrics import scores
from roadwork.evaluate.unseen import SPLITS

RESAMPLING = Resampling(200, 0.95, 5)


def measured(table, model):
    return headline(unseen_margins(table, model), RESAMPLING, head_sha256="a")


@pytest.fixture(scope="module")
def found(table, model):
    return measured(table, model)


def test_every_labelled_image_outside_train_is_predicted_once(found, table):
    expected = [image for split in SPLITS for image in labelled(table, split).image_ids]
    assert found.predictions["image_id"].tolist() == expected
    assert not found.predictions.isna().to_numpy().any()
    assert set(found.predictions["split"]) == {"val", "test", "holdout"}


def test_it_is_calibrated_on_val_and_scored_on_test(found, table, model):
    val, test = labelled(table, "val"), labelled(table, "test")
    calibration = fit_calibration(val.labels.numpy(), model(val)["image_only"])
    expected = scores(test.labels.numpy(), calibration.probabilities(model(test)["image_only"]))
    row = found.metrics["test"]["image_only"]
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, abs=1e-6)
    assert row["threshold"] == pytest.approx(calibration.threshold, abs=1e-6)


def test_metadata_counts_only_in_its_own_row(found):
    rows = found.metrics["test"]
    assert rows["with_metadata"]["mcc"] == 1  # the weather is the label
    assert rows["image_only"]["mcc"] < 1
    assert rows["with_metadata"]["difference"]["mcc"] == pytest.approx(1 - rows["image_only"]["mcc"], abs=2e-6)


def test_the_labels_of_test_choose_nothing(table, model):
    labels = table.labels.clone()
    test = torch.from_numpy(table.split == "test")
    labels[test] = 1 - labels[test]
    one = measured(table, model)
    two = measured(dataclasses.replace(table, labels=labels), model)
    assert one.metrics["calibrations"] == two.metrics["calibrations"]
    columns = [name for name in one.predictions if name != "label"]
    assert one.predictions[columns].equals(two.predictions[columns])


def test_a_mode_can_be_taken_out_of_the_table(found, table):
    rows = predictions_of(found.predictions, "test", "with_metadata")
    assert rows.labels.tolist() == labelled(table, "test").labels.tolist()
    assert rows.blocks.tolist() == labelled(table, "test").block.tolist()
    assert np.array_equal(rows.probabilities >= 0.5, rows.labels == 1)
    again = calibrations_of(json.loads(json.dumps(found.metrics)))["image_only"]
    margins = found.predictions["margin_image_only"]
    assert again.probabilities(margins) == pytest.approx(found.predictions["probability_image_only"], abs=1e-5)


def test_images_without_a_label_are_left_out(table, model):
    labels = table.labels.clone()
    labels[torch.from_numpy(np.flatnonzero(table.split == "test")[:4])] = -1
    found = measured(dataclasses.replace(table, labels=labels), model)
    assert found.metrics["test"]["image_only"]["n"] == 26
    assert (found.predictions["split"] == "test").sum() == 26


@pytest.mark.parametrize(("split", "label", "words"), [("test", -1, "test split"), ("val", 0, "val split")])
def test_a_split_that_cant_carry_the_claim_is_an_error(table, model, split, label, words):
    labels = table.labels.clone()
    labels[torch.from_numpy(table.split == split)] = label
    with pytest.raises(SplitError, match=words):
        measured(dataclasses.replace(table, labels=labels), model)


def test_scores_of_another_head_are_refused(found):
    check_headline(found.metrics, "a", where="headline.json", fix="")
    with pytest.raises(StoreError, match=r"(?s)another head.*headline\.json.*roadwork headline"):
        check_headline(found.metrics, "b", where="headline.json", fix="run `roadwork headline` again")
