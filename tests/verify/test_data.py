"""Manifest, photographs, division: what their checks find, and that they find nothing in what is right."""

import hashlib
import os
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from roadwork.data.manifest import Manifest, manifest_frame
from roadwork.data.vocabulary import VocabulariesConfig, VocabularyConfig
from roadwork.storage.objects import delete_object, write_object
from roadwork.storage.place import place_of
from roadwork.verify.division import check_folds, check_sampling
from roadwork.verify.fault import Faults
from roadwork.verify.manifest import check_metrics, check_values
from roadwork.verify.photographs import check_photographs

VOCABULARY = VocabularyConfig(values=("a", "b"), aliases={})
VOCABULARIES = VocabulariesConfig(weather=VOCABULARY, daytime=VOCABULARY, scene=VOCABULARY, nulls=("",))


@pytest.fixture
def manifest(tmp_path):
    rows = []
    for number in range(8):
        content = f"photograph {number}".encode()
        (tmp_path / f"{number}.jpg").write_bytes(content)
        rows.append(
            {
                "image_id": hashlib.sha256(content).hexdigest(), "path": f"{number}.jpg", "width_px": 8, "height_px": 9,
                "split": "train" if number < 2 else "val" if number < 4 else "test", "label": number % 2,
                "latitude_deg": 50.0, "longitude_deg": 8.0, "weather": "a",
            }
        )  # fmt: skip
    return Manifest(manifest_frame(rows), tmp_path)


@pytest.fixture
def divided(manifest):
    table = pd.DataFrame({"image_id": manifest.frame["image_id"], "split": manifest.frame["split"]})
    table["block"] = np.arange(8, dtype=np.int32)
    table["fold"] = pd.array([None] * 4 + [0, 1, 0, 1], dtype="Int8")
    table["role_0"] = ["", "", "", "", "test", "train", "test", "val"]
    table["role_1"] = ["", "", "", "", "train", "test", "val", "test"]
    return table


def found(check, *arguments, **options):
    faults = Faults()
    check(*arguments, faults, **options)
    return [fault.what + " " + fault.where for fault in faults.found]


def changed(manifest, column, row, value):
    frame = manifest.frame.copy()
    frame.loc[row, column] = value
    return Manifest(frame, manifest.root)


def test_a_right_manifest(manifest):
    assert found(check_values, manifest, VOCABULARIES, where="m") == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("image_id", "A" * 64), ("image_id", None), ("path", ""), ("path", None), ("width_px", 0), ("height_px", -1),
        ("split", "tset"), ("label", 2), ("label", -1), ("latitude_deg", 90.5), ("longitude_deg", np.inf),
        ("weather", "c"), ("scene", "x"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_row(manifest, column, value):
    (fault,) = found(check_values, changed(manifest, column, 3, value), VOCABULARIES, where="m")
    assert f"`{column}`" in fault
    assert "row 3" in fault


def test_metrics_of_another_manifest(manifest):
    metrics = {"manifest_digest": manifest.digest, "accepted": 8, "rejected": 2, "labels": {"roadwork": 4}}
    assert found(check_metrics, manifest, metrics, 2, where="m") == []
    assert len(found(check_metrics, manifest, metrics, 1, where="m")) == 1
    assert len(found(check_metrics, changed(manifest, "label", 0, 1), metrics, 2, where="m")) == 2
    assert len(found(check_metrics, manifest, {"labels": []}, 2, where="m")) == 4


def test_photographs(manifest, tmp_path):
    assert found(check_photographs, manifest, rehash=True) == []
    (tmp_path / "0.jpg").unlink()
    (tmp_path / "1.jpg").write_bytes(b"")
    (tmp_path / "2.jpg").write_bytes(b"photograph 3")
    (tmp_path / "3.jpg").unlink()
    os.mkfifo(tmp_path / "3.jpg")
    quick = found(check_photographs, manifest, rehash=False)
    assert [fault.split("photographs are ")[1].split(" /")[0] for fault in quick] == ["missing", "empty", "unreadable"]
    long = found(check_photographs, manifest, rehash=True)
    assert [fault for fault in long if "changed since ingest" in fault and "2.jpg" in fault]
    assert len(long) == 4


def test_a_right_division(manifest, divided):
    assert found(check_folds, divided, manifest.frame, (0, 1), where="f") == []
    assert found(check_folds, divided, None, (0, 1), where="f") == []


@pytest.mark.parametrize(
    ("column", "row", "value", "match"),
    [
        ("image_id", 2, "0" * 64, "row 2 is image 0"),
        ("split", 4, "train", "split isn't the manifest's"),
        ("fold", 4, 1, "`role_0` doesn't fit"),
        ("fold", 4, 7, "a fold that there isn't"),
        ("role_1", 4, "", "`role_1` doesn't fit"),
        ("role_0", 0, "train", "`role_0` doesn't fit"),
        ("role_0", 5, "vla", "`role_0` doesn't fit"),
        ("block", 4, 5, "two sides of fold 0"),
    ],
)
def test_a_wrong_division(manifest, divided, column, row, value, match):
    divided.loc[row, column] = value
    assert any(match in fault for fault in found(check_folds, divided, manifest.frame, (0, 1), where="f"))


def test_a_division_into_other_folds(manifest, divided):
    (fault,) = found(check_folds, divided, manifest.frame, (0, 1, 2), where="f")
    assert "finetune.folds are 0, 1, 2" in fault


def test_val_carved_out_of_train_keeps_blocks_together(manifest, divided):
    frame = manifest.frame.assign(split=["train"] * 4 + ["test"] * 4)
    assert found(check_folds, divided, frame, (0, 1), where="f") == []
    divided.loc[2, "block"] = 0
    (fault,) = found(check_folds, divided, frame, (0, 1), where="f")
    assert "train and val" in fault


@pytest.fixture
def sampling(divided):
    ids = divided.loc[divided["split"] == "train", "image_id"].to_numpy()
    return pd.DataFrame({"image_id": ids, "weight": [5.0, 0.0], "distance_km": [3.0, np.nan]})


def sampled(sampling, divided, metrics):
    return found(check_sampling, sampling, divided, metrics, {"near_km": 100.0}, where="s", metrics_where="m")


def test_right_weights(sampling, divided):
    assert sampled(sampling, divided, {"near_km": 100.0, "training_images": 2}) == []
    assert sampled(sampling, None, None) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [("weight", -1.0), ("weight", np.nan), ("weight", np.inf), ("distance_km", -1.0), ("distance_km", np.inf)],
)
def test_wrong_weights(sampling, divided, column, value):
    sampling.loc[1, column] = value
    (fault,) = sampled(sampling, divided, None)
    assert f"`{column}` is wrong in rows 1" in fault


def test_weights_of_other_images_and_other_parameters(sampling, divided):
    assert "row 0" in sampled(sampling.iloc[::-1], divided, None)[0]
    assert len(sampled(sampling, divided, {"near_km": 99.0, "training_images": 3})) == 2


def test_photographs_in_an_object_store(manifest):
    store = place_of(f"memory://{uuid4().hex}/archive", parameter="test")
    for name in manifest.frame["path"]:
        write_object(store / name, manifest.photograph(int(name[0])).read_bytes())
    there = Manifest(manifest.frame, store)
    assert found(check_photographs, there, rehash=True) == []
    write_object(store / "1.jpg", b"")
    write_object(store / "2.jpg", b"another")
    delete_object(store / "3.jpg")
    quick = found(check_photographs, there, rehash=False)
    assert [fault.partition(" photographs")[0] for fault in quick] == ["1 of 8", "1 of 8"]
    assert "missing" in quick[0]
    assert str(store / "3.jpg") in quick[0]
    assert "empty" in quick[1]
    assert any(
        "changed since ingest" in fault and "2.jpg" in fault for fault in found(check_photographs, there, rehash=True)
    )
