import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwork.errors import SplitError, StoreError
from roadwork.evaluate.calibration import fit_calibration
from roadwork.evaluate.oof import cross_fitted, gather, unadapted


def fold_table(fold, margins, labels, first_id=None):
    first = 100 * fold if first_id is None else first_id
    return pd.DataFrame(
        {
            "image_id": [f"{first + i:064d}" for i in range(len(margins))],
            "label": pd.array(labels, dtype="Int8"),
            "block": np.arange(len(margins), dtype=np.int32) + 100 * fold,
            "fold": pd.array([fold] * len(margins), dtype="Int8"),
            "margin_image_only": np.array(margins, float),
            "margin_with_metadata": 2 * np.array(margins, float),
        }
    )


def test_each_fold_is_calibrated_by_the_others_only():
    labels = np.array([0, 1, 0, 1, 0, 1])
    margins = np.array([-1.0, 1.0, 3.0, 5.0, 7.0, 9.0])
    folds = np.array([0, 0, 1, 1, 2, 2])
    probabilities, calibrations = cross_fitted(labels, margins, folds)
    assert sorted(calibrations) == [0, 1, 2]
    for fold in range(3):
        others = fit_calibration(labels[folds != fold], margins[folds != fold])
        assert calibrations[fold] == others
        assert probabilities[folds == fold].tolist() == others.probabilities(margins[folds == fold]).tolist()


def test_a_folds_own_labels_change_nothing_about_its_probabilities():
    rng = np.random.default_rng(0)
    labels, margins, folds = rng.integers(0, 2, 60), rng.normal(size=60), np.repeat([0, 1, 2], 20)
    before, _ = cross_fitted(labels, margins, folds)
    flipped = np.where(folds == 1, 1 - labels, labels)
    after, _ = cross_fitted(flipped, margins, folds)
    assert (before[folds == 1] == after[folds == 1]).all()
    assert (before[folds != 1] != after[folds != 1]).any()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 2), st.floats(-1e3, 1e3))
def test_nothing_of_an_images_own_fold_reaches_its_probability(seed, fold, margin):
    rng = np.random.default_rng(seed)
    labels, margins, folds = np.tile([0, 1], 15), rng.normal(size=30), rng.permutation(np.repeat([0, 1, 2], 10))
    for other in range(3):  # whatever two folds are left, both classes are there
        labels[np.flatnonzero(folds == other)[:2]] = [0, 1]
    before, _ = cross_fitted(labels, margins, folds)
    one, *rest = np.flatnonzero(folds == fold)
    labels[rest], labels[one], margins[rest] = rng.integers(0, 2, len(rest)), 1 - labels[one], margin
    after, _ = cross_fitted(labels, margins, folds)
    assert after[one] == before[one]


def test_unlabelled_images_are_predicted_but_not_fitted_to():
    labels, margins, folds = [0, 1, -1, 0, 1, -1], [-1.0, 1.0, 50.0, -1.0, 1.0, -50.0], [0, 0, 0, 1, 1, 1]
    probabilities, calibrations = cross_fitted(labels, margins, folds)
    assert calibrations[0].threshold == calibrations[1].threshold == 0
    assert probabilities[2] > 0.9
    assert probabilities[5] < 0.1


def test_one_fold_cannot_be_cross_fitted():
    with pytest.raises(SplitError, match="2 folds"):
        cross_fitted([0, 1], [0.0, 1.0], [0, 0])


def test_other_folds_of_one_class_are_an_error_that_names_the_fold():
    with pytest.raises(SplitError, match="all folds but 1"):
        cross_fitted([0, 0, 0, 1], [0.0, 1.0, 2.0, 3.0], [0, 0, 1, 1])


def test_gathering_keeps_fold_order_and_adds_cross_fitted_probabilities():
    table = gather({1: fold_table(1, [-2, 2], [0, 1]), 0: fold_table(0, [-1, 1, 0], [0, 1, None])})
    assert table["fold"].tolist() == [0, 0, 0, 1, 1]
    assert table["label"].isna().sum() == 1
    expected, _ = cross_fitted([0, 1, -1, 0, 1], [-1, 1, 0, -2, 2], [0, 0, 0, 1, 1])
    assert table["probability_image_only"].tolist() == expected.tolist()
    assert table["probability_with_metadata"].between(0, 1).all()


def test_an_image_in_two_folds_is_an_error():
    with pytest.raises(SplitError, match="more than one fold"):
        gather({0: fold_table(0, [-1, 1], [0, 1], first_id=5), 1: fold_table(1, [-1, 1], [0, 1], first_id=6)})


def test_a_table_of_another_fold_is_an_error_that_names_the_stage():
    with pytest.raises(SplitError, match="finetune@1"):
        gather({0: fold_table(0, [-1, 1], [0, 1]), 1: fold_table(2, [-1, 1], [0, 1])})


def test_the_pretrained_heads_margins_take_the_fine_tuned_ones_place(oof):
    shuffled = oof.sample(frac=1, random_state=0)
    predictions = shuffled[["image_id"]].assign(
        margin_image_only=shuffled["margin_image_only"] + 1, margin_with_metadata=shuffled["margin_with_metadata"] - 1
    )
    start = unadapted(oof, predictions)
    assert start["margin_image_only"].tolist() == (oof["margin_image_only"] + 1).tolist()
    assert start["margin_with_metadata"].tolist() == (oof["margin_with_metadata"] - 1).tolist()
    kept = ["image_id", "label", "block", "fold"]
    assert start[kept].equals(oof[kept])


def test_a_missing_image_of_the_pretrained_head_is_an_error(oof):
    with pytest.raises(StoreError, match="lack 1 images"):
        unadapted(oof, oof.iloc[1:])
