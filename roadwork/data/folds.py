"""The final splits, k outer folds of the test split, and an inner validation part for each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from roadwork.data.allocation import allocate, class_counts
from roadwork.data.blocks import blocks
from roadwork.errors import SplitError
from roadwork.seeding import derive


def make_folds(
    frame: pd.DataFrame,
    *,
    folds: tuple[int, ...],
    inner_val_fraction: float,
    val_fraction: float,
    radius_m: float,
    seed: int,
) -> pd.DataFrame:
    """One row per row of the manifest's `frame`, in its order, with the columns

    - `image_id`
    - `split`: final; where the manifest has no `val`, `val_fraction` of `train` has become it
    - `block` (int32): images of one block are on one side of every division made here
    - `fold` (Int8): the outer fold that predicts this test image; null for all other images
    - `role_0` ... `role_{k-1}`: `train`, `val` (inner validation) or `test` in that outer fold; "" for other images

    Test images without label can neither train nor be scored: they are in no fold and have no role.
    Outer folds come from StratifiedGroupKFold; val and the inner parts from `allocate`, which takes any fraction.
    Raises SplitError, with the counts, where there are too few images, blocks or classes.
    """
    label = frame["label"].fillna(-1).to_numpy(dtype=np.int64)
    split = frame["split"].to_numpy(dtype=object).astype("<U7")
    block = blocks(frame, radius_m)
    if not (split == "val").any():
        split = _carve_val(label, split, block, val_fraction, derive(seed, "folds", "val"))

    if not (split == "test").any():
        raise SplitError(
            f"none of the {len(split)} images is in test, so there is nothing to divide into folds",
            where="params.yaml: ingest.test_fraction",
            rule="the head is finetuned and scored on the images of the test split",
            fix="set ingest.test_fraction above 0, for example 0.2, or give a test split in the source",
        )
    tested = np.flatnonzero((split == "test") & (label >= 0))
    fold = _outer_folds(label[tested], block[tested], len(folds), derive(seed, "folds", "outer"))
    divided = pd.DataFrame({"image_id": frame["image_id"].to_numpy(), "split": split, "block": block})
    divided["fold"] = pd.array([pd.NA] * len(frame), dtype="Int8")
    divided.loc[tested, "fold"] = pd.array(fold, dtype="Int8")
    for number in folds:
        role = np.full(len(frame), "", dtype="<U5")
        role[tested[fold == number]] = "test"
        rest = tested[fold != number]
        inner = _two_parts(label[rest], block[rest], inner_val_fraction, derive(seed, "folds", "inner", number))
        _require_both_classes(
            {"training": label[rest[~inner]], "inner validation": label[rest[inner]]},
            f"outer fold {number}",
            "finetune.folds, finetune.inner_val_fraction",
            "list fewer finetune.folds, change finetune.inner_val_fraction, lower ingest.group_radius_m, or add test "
            "images of other places",
        )
        role[rest] = np.where(inner, "val", "train")
        divided[f"role_{number}"] = role
    return divided


def _carve_val(
    label: NDArray[np.int64], split: NDArray[np.str_], block: NDArray[np.int32], val_fraction: float, seed: int
) -> NDArray[np.str_]:
    """`split` with whole blocks of `train`, about `val_fraction` of each class, turned into `val`."""
    train = np.flatnonzero(split == "train")
    if not len(train):
        raise SplitError(
            f"none of the {len(split)} images is in train",
            where="params.yaml: ingest.source",
            fix="check the split column, or ingest's fractions",
        )
    if val_fraction == 0:
        raise SplitError(
            "the source has no val images, and none may be carved out of train",
            where="params.yaml: ingest.val_fraction is 0",
            rule="early stopping and calibration need validation images",
            fix="set ingest.val_fraction above 0, for example 0.15, or give a val split in the source",
        )
    chosen = _two_parts(label[train], block[train], val_fraction, seed)
    _require_both_classes(
        {"train": label[train[~chosen]], "val": label[train[chosen]]},
        f"carving {val_fraction:g} of {len(np.unique(block[train]))} blocks of train",
        "ingest.val_fraction",
        "add training images of other places, change ingest.val_fraction, or lower ingest.group_radius_m",
    )
    carved = split.copy()
    carved[train[chosen]] = "val"
    return carved


def _lack(places: dict[str, int]) -> str:
    if not any(places.values()):
        return "no image with a label"
    return "one class only" if 0 in places.values() else "too few images"


def _outer_folds(label: NDArray[np.int64], block: NDArray[np.int32], k: int, seed: int) -> NDArray[np.int64]:
    """Outer fold of each labelled test image `[image]`."""
    images = {"with": label == 1, "without": label == 0}
    places = {kind: len(np.unique(block[rows])) for kind, rows in images.items()}
    if min(places.values()) < k:
        counts = " and ".join(f"{rows.sum()} {kind} roadwork in {places[kind]} blocks" for kind, rows in images.items())
        raise SplitError(
            f"{_lack(places)} for {k} folds of test: {counts}",
            where="the labels of split test" if 0 in places.values() else "params.yaml: finetune.folds",
            rule="every fold has images of both classes, and images of one group or place stay in one fold",
            fix="give labelled test images of both classes, each in as many groups or places as there are folds"
            if 0 in places.values()
            else _fewer_folds(min(places.values())),
        )
    folder = StratifiedGroupKFold(n_splits=k, shuffle=True, random_state=seed % 2**32)
    fold = np.empty(len(label), dtype=np.int64)
    for number, (_, predicted) in enumerate(folder.split(label, label, block)):
        fold[predicted] = number
    _require_both_classes(
        {f"fold {number}": label[fold == number] for number in range(k)},
        f"{len(label)} test images in {len(np.unique(block))} blocks, {k} folds",
        "finetune.folds",
        _fewer_folds(k - 1),
    )
    return fold


def _two_parts(label: NDArray[np.int64], block: NDArray[np.int32], fraction: float, seed: int) -> NDArray[np.bool_]:
    """True for the images `[image]` of the blocks chosen for the smaller part, `fraction` of each class."""
    counts, row_block = class_counts(label, block)
    return allocate(counts[:, :2], [1.0 - fraction, fraction], seed=seed)[row_block] == 1


def _require_both_classes(parts: dict[str, NDArray[np.int64]], what: str, where: str, fix: str) -> None:
    lacking = [
        f"{name} has {int((label == 1).sum())} images with roadwork and {int((label == 0).sum())} without"
        for name, label in parts.items()
        if not ((label == 0).any() and (label == 1).any())
    ]
    if lacking:
        raise SplitError(
            f"{what}: {', '.join(lacking)}",
            where=f"params.yaml: {where}, ingest.group_radius_m",
            rule="every part has images of both classes, and images of one group or place stay together",
            fix=fix,
        )


def _fewer_folds(most: int) -> str:
    # Two folds of two or three blocks leave one block to both train on and validate with.
    shorter = f"set finetune.folds to {list(range(most))}, or " if most >= 3 else ""
    return (
        f"{shorter}lower ingest.group_radius_m, or put more labelled images of both classes and of other places into "
        "test for finetune.folds"
    )
