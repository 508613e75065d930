import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwork.data.split import assign_splits
from roadwork.errors import ParameterError, SplitError

FRACTIONS = {"test_fraction": 0.2, "val_fraction": 0.15, "holdout_fraction": 0.0}


def split_of(labels, blocks=None, given=None, seed=0, **fractions):
    count = len(labels)
    return assign_splits(
        np.array(labels),
        np.arange(count) if blocks is None else np.array(blocks),
        np.array([""] * count if given is None else given),
        **{**FRACTIONS, **fractions},
        seed=seed,
    )


def share(split, labels, name, value):
    of_class = np.array(labels) == value
    return ((split == name) & of_class).sum() / of_class.sum()


def test_fractions_are_met_in_each_class():
    labels = [0] * 200 + [1] * 100
    split = split_of(labels, holdout_fraction=0.1)
    for value in (0, 1):
        assert share(split, labels, "test", value) == pytest.approx(0.2, abs=0.01)
        assert share(split, labels, "val", value) == pytest.approx(0.15, abs=0.01)
        assert share(split, labels, "holdout", value) == pytest.approx(0.1, abs=0.01)
        assert share(split, labels, "train", value) == pytest.approx(0.55, abs=0.01)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_blocks_stay_whole_and_shares_close(seed):
    rng = np.random.default_rng(seed)
    blocks, labels = rng.integers(0, 150, 400), rng.integers(0, 2, 400)
    split = split_of(labels, blocks, seed=seed)
    assert all(len(set(split[blocks == number])) == 1 for number in set(blocks))
    assert share(split, labels, "test", 1) == pytest.approx(0.2, abs=0.03)
    assert share(split, labels, "val", 0) == pytest.approx(0.15, abs=0.03)


def test_given_splits_stay_and_pull_their_block():
    given = ["test", "", "train", "", "", ""] + [""] * 40
    blocks = [0, 0, 1, 1, 2, 3, *range(4, 44)]
    split = split_of([0, 1] * 23, blocks, given)
    assert split[:4].tolist() == ["test", "test", "train", "train"]
    assert "" not in split


def test_everything_given_is_returned_unchanged():
    given = ["train", "test", "holdout", "val"]
    assert split_of([1, 1, 1, -1], given=given).tolist() == given


def test_a_block_torn_by_its_source_follows_the_majority():
    given = ["train", "train", "test", ""] + [""] * 40
    split = split_of([0, 1] * 22, [0, 0, 0, 0, *range(1, 41)], given)
    assert split[:4].tolist() == ["train", "train", "test", "train"]


def test_joined_images_count_towards_the_fraction_and_given_ones_do_not():
    given = ["test"] * 50 + [""] * 100
    labels = [0, 1] * 75
    assert (split_of(labels, given=given) == "test").sum() == 50 + 20
    blocks = [0] * 50 + [0] * 20 + list(range(1, 81))  # 20 of the 100 free images share the given test block
    assert (split_of(labels, blocks, given) == "test").sum() == 50 + 20


def test_images_without_label_go_to_test_with_their_block():
    labels = [-1, 1, -1] + [0, 1] * 50
    split = split_of(labels, [0, 0, 1, *range(2, 102)])
    assert split[:3].tolist() == ["test"] * 3


def test_seed_decides():
    labels = [0, 1] * 50
    assert split_of(labels, seed=1).tolist() == split_of(labels, seed=1).tolist()
    assert split_of(labels, seed=1).tolist() != split_of(labels, seed=2).tolist()


def test_small_but_possible_division_has_both_classes_everywhere():
    labels = [1] * 3 + [0] * 3
    split = split_of(labels)
    assert sorted(split[:3]) == sorted(split[3:]) == ["test", "train", "val"]


def test_one_class_only():
    with pytest.raises(SplitError, match=r"only one class: 30 images with roadwork, 0 without, 1 unlabelled"):
        split_of([1] * 30 + [-1])


def test_too_few_blocks_names_counts_and_fix():
    with pytest.raises(SplitError, match=r"2 blocks of images are too few.*would lack a class") as caught:
        split_of([0, 1] * 10, [0, 1] * 10)
    assert "ingest.source" in caught.value.where
    assert "group_radius_m" in caught.value.fix


def test_unlabelled_image_in_a_training_block():
    with pytest.raises(SplitError, match="1 images without label are in train"):
        split_of([0, -1] + [0, 1] * 20, [0, 0, *range(1, 41)], ["train"] + [""] * 41)


def test_unlabelled_images_without_any_place_to_go():
    with pytest.raises(SplitError, match="1 images have neither label nor split") as caught:
        split_of([-1] + [0, 1] * 20, test_fraction=0.0)
    assert "ingest.test_fraction" in caught.value.fix


def test_fractions_that_leave_no_training_images():
    with pytest.raises(ParameterError, match=r"sum to 1.1"):
        split_of([0, 1] * 20, test_fraction=0.6, val_fraction=0.5)
