import pandas as pd

from roadwork.evaluate.answers import unseen_margins
from roadwork.evaluate.unseen import SPLITS, unseen_images


def test_labelled_images_split_by_split_in_the_manifests_order():
    frame = pd.DataFrame({"image_id": list("abcdefg"), "label": pd.array([1, 0, None, 1, 0, 1, 0], dtype="Int8")})
    split = ["test", "train", "test", "val", "test", "holdout", None]
    divided = pd.DataFrame({"split": split, "block": pd.array(range(7), dtype="int32")})
    found = unseen_images(frame, divided)
    assert found.to_dict("list") == {
        "image_id": ["d", "a", "e", "f"], "split": ["val", "test", "test", "holdout"], "label": [1, 1, 0, 1],
        "block": [3, 0, 4, 5],
    }  # fmt: skip


def test_they_are_the_images_that_a_head_is_asked_about(table, model):
    frame = pd.DataFrame({"image_id": table.image_ids, "label": table.labels.numpy()})
    divided = pd.DataFrame({"split": table.split, "block": table.block})
    asked, expected = unseen_margins(table, model), unseen_images(frame, divided)
    for name in expected:
        assert asked[name].tolist() == expected[name].tolist()
    assert set(asked["split"]) == set(SPLITS)


def test_a_head_may_be_asked_about_one_split_alone(table, model):
    every, alone = unseen_margins(table, model), unseen_margins(table, model, ("holdout",))
    of_all = every.loc[every["split"] == "holdout"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, of_all)
    none = unseen_margins(table.rows(table.split != "holdout"), model, ("holdout",))
    assert (len(none), list(none)) == (0, list(alone))
