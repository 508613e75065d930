import json

import numpy as np
import pandas as pd
import pytest

from roadwork.evaluate.duplicates import EXAMPLES, centred_unit_vectors, duplicates

EXACT = {"within_splits": 2, "across_splits": 1, "conflicting_labels": 0}
COMMON = 30.0  # what every vector has, beside which the rest is small


def world(count=40, dim=64, seed=0):
    """Images far from each other, each with noise of its own upon a large common vector; splits in turn."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "image_id": [f"{i:064x}" for i in range(count)],
            "path": [f"{i}.jpg" for i in range(count)],
            "label": pd.array([i % 2 for i in range(count)], dtype="Int8"),
            "latitude_deg": 40 + np.arange(count) / 10,
            "longitude_deg": 8.0,
            "group": pd.array([None] * count, dtype="str"),
            "source": "s",
        }
    )
    vectors = COMMON + rng.normal(size=(count, dim))
    splits = np.array([("train", "train", "val", "test")[i % 4] for i in range(count)])
    return frame, splits, vectors


def found(frame, splits, vectors, cosine=0.9, radius_m=100.0):
    half = np.asarray(vectors, np.float16)
    result = duplicates(frame, splits, half, cosine=cosine, radius_m=radius_m, exact=EXACT)
    json.dumps(result, allow_nan=False)
    return result


def test_nothing_to_find():
    result = found(*world())
    assert result == {
        "exact": EXACT, "cosine": 0.9, "radius_m": 100.0,
        "near": {
            "pairs": 0, "within_splits": 0, "across_splits": 0, "by_splits": {},
            "images": {"train": 0, "val": 0, "test": 0, "holdout": 0}, "examples": [],
        },
    }  # fmt: skip


def test_alike_and_near_is_a_pair_alike_or_near_alone_is_not():
    frame, splits, vectors = world()
    vectors[[3, 11, 13]] = vectors[0]  # test, test, train
    frame.loc[3, ["latitude_deg", "longitude_deg"]] = frame.loc[0, ["latitude_deg", "longitude_deg"]].to_list()
    frame.loc[7, "latitude_deg"] = frame.loc[0, "latitude_deg"]  # near and not alike
    frame.loc[[0, 13], "group"] = "drive"  # alike and of one drive, far away; 11 is alike and nowhere near
    near = found(frame, splits, vectors)["near"]
    assert (near["pairs"], near["within_splits"], near["across_splits"]) == (2, 1, 1)
    assert near["by_splits"] == {"train, test": 1}
    assert near["images"] == {"train": 1, "val": 0, "test": 1, "holdout": 0}
    assert near["examples"] == [
        {
            "first": f"{0:064x}", "second": f"{3:064x}", "paths": ["0.jpg", "3.jpg"], "splits": ["train", "test"],
            "labels": [0, 1], "cosine": pytest.approx(1, abs=1e-5), "distance_m": 0.0, "same_group": False,
        }
    ]  # fmt: skip


def test_the_common_vector_counts_for_nothing():
    """Uncentred, any two of these vectors have a cosine of 0.99."""
    frame, splits, vectors = world()
    frame["latitude_deg"] = 47.0
    raw = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert (raw @ raw.T).min() > 0.99
    assert found(frame, splits, vectors)["near"]["pairs"] == 0


def test_the_mean_is_that_of_the_training_images():
    vectors = np.array([[3.0, 1.0], [1.0, 1.0], [2.0, 5.0], [2.0, 1.0]])
    unit = centred_unit_vectors(vectors.astype(np.float16), np.array([True, True, False, False]))
    assert unit.tolist() == [[1, 0], [-1, 0], [0, 1], [0, 0]]


def test_the_cosine_is_a_limit_that_counts_itself():
    frame, splits, vectors = world(4, 2)
    frame["latitude_deg"] = 47.0
    vectors[:] = [[1, 0], [-1, 0], [0.6, 0.8], [1.0, 0.0]]  # mean of train 0; cosines 0.6 and 1 to the first
    assert found(frame, splits, vectors, cosine=0.99)["near"]["by_splits"] == {"train, test": 1}
    assert found(frame, splits, vectors, cosine=0.59)["near"]["pairs"] == 3


def test_an_unknown_place_is_no_distance():
    frame, splits, vectors = world()
    vectors[3] = vectors[0]
    frame.loc[[0, 3], "group"] = "drive"
    frame.loc[3, "latitude_deg"] = None
    [example] = found(frame, splits, vectors)["near"]["examples"]
    assert example["distance_m"] is None
    assert example["same_group"]


def test_examples_are_the_most_similar_of_a_crowd_and_the_first_is_of_the_earlier_split():
    frame, splits, vectors = world(400)
    rng = np.random.default_rng(1)
    vectors[:] = vectors[0] + 0.05 * rng.normal(size=vectors.shape)
    vectors[8:] = COMMON + rng.normal(size=(392, 64))
    vectors[8:300] = vectors[8] + rng.uniform(0, 0.4, (292, 1)) * rng.normal(size=(292, 64))
    frame["latitude_deg"] = 47.0
    near = found(frame, splits, vectors, cosine=0.5)["near"]
    assert near["across_splits"] > 1000
    assert len(near["examples"]) == EXAMPLES
    cosines = [example["cosine"] for example in near["examples"]]
    assert cosines == sorted(cosines, reverse=True)
    unit = centred_unit_vectors(vectors.astype(np.float16), splits == "train")
    every = unit @ unit.T
    across = np.triu(splits[:, None] != splits[None, :])
    assert cosines == pytest.approx(np.sort(every[across])[::-1][:EXAMPLES], abs=1e-5)
    order = ("train", "val", "test")
    for example in near["examples"]:
        assert order.index(example["splits"][0]) < order.index(example["splits"][1])


def test_images_without_label_count_too():
    frame, splits, vectors = world()
    vectors[3] = vectors[0]
    frame.loc[3, "latitude_deg"] = frame.loc[0, "latitude_deg"]
    frame.loc[3, "label"] = pd.NA
    assert found(frame, splits, vectors)["near"]["examples"][0]["labels"] == [0, None]
