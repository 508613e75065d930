import pandas as pd
import pytest

from roadwork.errors import StoreError
from roadwork.evaluate.ensemble import bundle_calibrations
from roadwork.evaluate.predicted import check_calibrated, check_predicted


def test_predictions_of_the_labelled_test_images_pass_in_any_order(table, oof):
    check_predicted(oof.iloc[::-1], table.rows(table.split == "test"), where="oof", fix="")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda oof: oof.assign(image_id=["f" * 64, *oof["image_id"][1:]]), "image ffff.* is no labelled test image"),
        (lambda oof: oof.iloc[1:], "isn't predicted"),
        (lambda oof: pd.concat([oof, oof.iloc[:1]]), "predicted twice"),
        (lambda oof: oof.assign(label=1 - oof["label"]), "another label"),
    ],
)
def test_predictions_of_other_images_are_refused(table, oof, change, what):
    with pytest.raises(StoreError, match=what) as caught:
        check_predicted(change(oof), table.rows(table.split == "test"), where="oof.parquet", fix="run it again")
    assert caught.value.where == "oof.parquet"
    assert caught.value.fix == "run it again"


def test_a_bundle_belongs_to_the_out_of_fold_predictions_that_calibrated_it(oof):
    calibrations = bundle_calibrations(oof)
    check_calibrated(oof, calibrations, where="oof.parquet", fix="run it again")
    others = oof.assign(margin_with_metadata=oof["margin_with_metadata"] * 2 + 0.5)
    with pytest.raises(StoreError, match="not of these out-of-fold predictions: with_metadata") as caught:
        check_calibrated(others, calibrations, where="oof.parquet", fix="run it again")
    assert caught.value.fix == "run it again"
