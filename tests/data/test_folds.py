from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwork.config import parse_section
from roadwork.data.blocks import blocks
from roadwork.data.fold_summary import fold_summary
from roadwork.data.folds import make_folds
from roadwork.data.folds_config import CarveConfig, FoldsConfig
from roadwork.errors import ParameterError, SplitError

ARGUMENTS = {"folds": (0, 1, 2, 3, 4), "inner_val_fraction": 0.2, "val_fraction": 0.15, "radius_m": 100.0}


def table(label, split, group=None, latitude=None):
    count = len(label)
    return pd.DataFrame(
        {
            "image_id": [f"{number:064x}" for number in range(count)],
            "label": pd.array([None if value < 0 else value for value in label], dtype="Int8"),
            "split": pd.array(split, dtype="str"),
            "latitude_deg": np.full(count, np.nan) if latitude is None else latitude,
            "longitude_deg": np.zeros(count),
            "group": pd.array([None] * count if group is None else group, dtype="str"),
            "source": "sample",
        }
    )


def street(seed, count=400):
    """Half of the images in groups of a few, places along a line, labels 40 % roadwork, no val."""
    rng = np.random.default_rng(seed)
    group = [f"drive {number}" if rng.random() < 0.5 else None for number in rng.integers(0, count // 6, count)]
    latitude = np.where(rng.random(count) < 0.3, np.nan, rng.uniform(-10, 10, count))
    frame = table((rng.random(count) < 0.4).astype(int), ["train"] * count, group, latitude)
    in_test = rng.random(count)[blocks(frame, 100)] < 0.5
    frame.loc[in_test, "split"] = "test"
    return frame


def divide(frame, seed=17, **changes):
    return make_folds(frame, **{**ARGUMENTS, **changes}, seed=seed)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_properties_of_any_division(seed):
    frame = street(seed)
    divided = divide(frame, seed=seed)
    label = frame["label"].to_numpy(dtype=int)
    tested = (frame["split"] == "test").to_numpy()
    block = divided["block"].to_numpy()

    assert divided["image_id"].tolist() == frame["image_id"].tolist()
    assert (divided["split"] == "test").to_numpy().tolist() == tested.tolist()
    assert divided.loc[tested, "fold"].notna().all()
    assert divided.loc[~tested, "fold"].isna().all()
    assert divided.groupby("block")["split"].nunique().max() == 1
    for number in range(5):
        role = divided[f"role_{number}"].to_numpy(dtype=object)
        assert ((role == "test") == (divided["fold"] == number).fillna(False).to_numpy()).all()
        assert set(role[tested]) == {"train", "val", "test"}
        assert set(role[~tested]) == {""}
        assert all(len(set(role[block == one])) == 1 for one in set(block[tested]))
        for part in ("train", "val", "test"):
            assert label[role == part].mean() == pytest.approx(label[tested].mean(), abs=0.12)
        assert (role == "val").sum() / (role != "test")[tested].sum() == pytest.approx(0.2, abs=0.04)


def test_columns_and_types():
    divided = divide(street(1), folds=(0, 1, 2))
    assert list(divided) == ["image_id", "split", "block", "fold", "role_0", "role_1", "role_2"]
    assert divided["block"].dtype == np.int32
    assert divided["fold"].dtype == pd.Int8Dtype()
    assert set(divided["fold"].dropna()) == {0, 1, 2}


def test_survives_parquet(tmp_path):
    divided = divide(street(1))
    divided.to_parquet(tmp_path / "folds.parquet", index=False)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "folds.parquet"), divided)


def test_folds_are_equal_where_every_image_is_its_own_block():
    frame = table([0, 1] * 100, ["test"] * 100 + ["train"] * 100)
    divided = divide(frame)
    assert divided["fold"].value_counts().tolist() == [20] * 5
    assert (divided["split"] == "val").sum() == 15  # of 100, although 7.5 of each class can't be
    for number in range(5):
        assert (divided[f"role_{number}"] == "val").sum() == 16


def test_seed_decides_and_repeats():
    frame = street(3)
    pd.testing.assert_frame_equal(divide(frame, seed=5), divide(frame, seed=5))
    assert divide(frame, seed=5)["fold"].to_list() != divide(frame, seed=6)["fold"].to_list()


def test_a_given_val_is_kept_and_nothing_carved():
    frame = table([0, 1] * 60, ["val"] * 20 + ["train"] * 40 + ["test"] * 60)
    assert divide(frame, val_fraction=0.0)["split"].tolist() == frame["split"].tolist()


def test_carved_val_is_stratified_and_whole():
    frame = street(4)
    divided = divide(frame)
    train = (frame["split"] == "train").to_numpy()
    carved = (divided["split"] == "val").to_numpy()
    label = frame["label"].to_numpy(dtype=int)
    assert not (carved & ~train).any()
    for value in (0, 1):
        assert carved[label == value].sum() / train[label == value].sum() == pytest.approx(0.15, abs=0.02)


def test_holdout_is_left_alone():
    frame = table([0, 1] * 80, ["holdout"] * 40 + ["train"] * 40 + ["test"] * 80)
    divided = divide(frame)
    assert (divided["split"][:40] == "holdout").all()
    assert (divided["role_0"][:40] == "").all()


def test_unlabelled_test_images_take_no_part():
    frame = table([-1] * 5 + [0, 1] * 60, ["test"] * 65 + ["train"] * 60)
    divided = divide(frame)
    assert divided["fold"][:5].isna().all()
    assert all((divided[f"role_{number}"][:5] == "").all() for number in range(5))


def test_one_class_only():
    with pytest.raises(SplitError, match=r"one class only for 5 folds of test: 30 with .* 0 without") as caught:
        divide(table([1] * 30 + [0, 1] * 20, ["test"] * 30 + ["train"] * 40))
    assert caught.value.where == "the labels of split test"
    assert "both classes" in caught.value.fix


def test_no_label_at_all_is_said_so():
    with pytest.raises(SplitError, match="no image with a label for 5 folds of test"):
        divide(table([-1] * 30 + [0, 1] * 20, ["test"] * 30 + ["train"] * 40))


def test_no_test_images_at_all():
    with pytest.raises(SplitError, match=r"none of the 40 images is in test") as caught:
        divide(table([0, 1] * 20, ["train"] * 40))
    assert "ingest.test_fraction" in caught.value.where
    assert "ingest.test_fraction" in caught.value.fix


def test_fewer_blocks_of_a_class_than_folds_names_a_number_that_works():
    frame = table([1] * 9 + [0] * 20 + [0, 1] * 20, ["test"] * 29 + ["train"] * 40, ["a", "b", "c"] * 3 + [None] * 60)
    with pytest.raises(SplitError, match=r"too few images for 5 folds of test: 9 with roadwork in 3 blocks") as caught:
        divide(frame)
    assert "set finetune.folds to [0, 1, 2]" in caught.value.fix
    assert "lower ingest.group_radius_m" in caught.value.fix
    assert set(divide(frame, folds=(0, 1, 2))["fold"].dropna()) == {0, 1, 2}


def test_inner_part_without_a_class():
    frame = table([1, 1] + [0] * 20 + [0, 1] * 20, ["test"] * 22 + ["train"] * 40)
    with pytest.raises(SplitError, match=r"outer fold 0: training has \d+ images") as caught:
        divide(frame, folds=(0, 1))
    assert "finetune.inner_val_fraction" in caught.value.fix


def test_no_training_images():
    with pytest.raises(SplitError, match="none of the 40 images is in train"):
        divide(table([0, 1] * 20, ["test"] * 40))


def test_no_val_and_none_to_carve():
    with pytest.raises(SplitError, match="no val images") as caught:
        divide(table([0, 1] * 40, ["test"] * 40 + ["train"] * 40), val_fraction=0.0)
    assert "ingest.val_fraction" in str(caught.value)


def test_train_too_coarse_to_carve():
    frame = table([0, 1] * 40, ["test"] * 40 + ["train"] * 40, [None] * 40 + ["one drive"] * 40)
    with pytest.raises(SplitError, match=r"carving 0.15 of 1 blocks of train"):
        divide(frame)


@pytest.mark.parametrize("folds", [[0], [], [1, 2], [0, 2], [0, 0, 1], [1, 0]])
def test_fold_numbers_must_count_from_zero(folds):
    with pytest.raises(ParameterError, match=r"`finetune\.folds` is(.|\n)*numbered 0, 1, 2"):
        parse_section({"folds": folds, "inner_val_fraction": 0.2}, "finetune", FoldsConfig, where="params.yaml")


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1])
def test_inner_val_fraction_lies_within(fraction):
    with pytest.raises(ParameterError, match=r"finetune\.inner_val_fraction"):
        parse_section({"folds": [0, 1], "inner_val_fraction": fraction}, "finetune", FoldsConfig, where=Path("p"))


@pytest.mark.parametrize("change", [{"val_fraction": 1.0}, {"group_radius_m": -1.0}])
def test_carve_limits(change):
    with pytest.raises(ParameterError, match=next(iter(change))):
        parse_section({"val_fraction": 0.1, "group_radius_m": 100, **change}, "ingest", CarveConfig, where=Path("p"))


def test_summary_counts_and_reports_what_the_source_tears_apart():
    frame = table([0, 1] * 60, ["test"] * 60 + ["train"] * 60, ["drive"] + [None] * 59 + ["drive"] + [None] * 59)
    summary = fold_summary(frame, divide(frame))
    assert summary["images"] == 120
    assert summary["blocks"] == 119
    assert summary["splits"]["test"] == {"images": 60, "roadwork": 30, "none": 30, "blocks": 60}
    assert summary["train_images_in_test_blocks"] == 1
    parts = summary["folds"]["0"]
    assert sum(part["images"] for part in parts.values()) == 60
