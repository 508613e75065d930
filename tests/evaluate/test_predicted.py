import pandas as pd
import pytest

from roadwork.errors import StoreError
from roadwork.evaluate.answers import unseen_margins
from roadwork.evaluate.ensemble import bundle_calibrations, with_probabilities
from roadwork.evaluate.predicted import check_calibrated, check_predicted, check_probabilities


@pytest.fixture(scope="module")
def unseen(table, model):
    return unseen_margins(table, model)


def test_predictions_of_the_labelled_test_images_pass_in_any_order(unseen, oof):
    check_predicted(oof.iloc[::-1], unseen, "test", where="oof", fix="")


def test_a_split_without_images_wants_no_predictions(unseen):
    check_predicted(unseen.iloc[:0], unseen.iloc[:0], "holdout", where="holdout", fix="")
    with pytest.raises(StoreError, match=r"labelled holdout image .* isn't predicted"):
        check_predicted(unseen.iloc[:0], unseen, "holdout", where="holdout", fix="")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda oof: oof.assign(image_id=["f" * 64, *oof["image_id"][1:]]), "image ffff.* is no labelled test image"),
        (lambda oof: oof.iloc[1:], "isn't predicted"),
        (lambda oof: pd.concat([oof, oof.iloc[:1]]), "predicted twice"),
        (lambda oof: oof.assign(label=1 - oof["label"]), "another label"),
    ],
)
def test_predictions_of_other_images_are_refused(unseen, oof, change, what):
    with pytest.raises(StoreError, match=what) as caught:
        check_predicted(change(oof), unseen, "test", where="oof.parquet", fix="run it again")
    assert caught.value.where == "oof.parquet"
    assert caught.value.fix == "run it again"


def test_a_bundle_belongs_to_the_out_of_fold_predictions_that_calibrated_it(oof):
    calibrations = bundle_calibrations(oof)
    check_calibrated(oof, calibrations, where="oof.parquet", fix="run it again")
    others = oof.assign(margin_with_metadata=oof["margin_with_metadata"] * 2 + 0.5)
    with pytest.raises(StoreError, match="not of these out-of-fold predictions: with_metadata") as caught:
        check_calibrated(others, calibrations, where="oof.parquet", fix="run it again")
    assert caught.value.fix == "run it again"


def test_probabilities_are_those_of_the_bundles_calibration(unseen, oof):
    calibrations = bundle_calibrations(oof)
    holdout = with_probabilities(unseen.loc[unseen["split"] == "holdout"], calibrations)
    check_probabilities(holdout, calibrations, where="holdout.parquet", fix="run it again")
    check_probabilities(holdout.iloc[:0], calibrations, where="holdout.parquet", fix="run it again")
    moved = holdout.assign(margin_image_only=holdout["margin_image_only"] + 0.1)
    with pytest.raises(StoreError, match="`probability_image_only` isn't") as caught:
        check_probabilities(moved, calibrations, where="holdout.parquet", fix="run it again")
    assert (caught.value.where, caught.value.fix) == ("holdout.parquet", "run it again")
