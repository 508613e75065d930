"""Divide images whose source gives no split, stratified by label, whole blocks only."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadwork.data.allocation import allocate, class_counts
from roadwork.errors import ParameterError, SplitError

SPLITS = ("train", "val", "test", "holdout")
_UNLABELLED = 2
_MAY_LACK_LABELS = np.array([False, False, True, True])  # in the order of SPLITS


def assign_splits(
    labels: ArrayLike,
    blocks: ArrayLike,
    given: ArrayLike,
    *,
    test_fraction: float,
    val_fraction: float,
    holdout_fraction: float,
    seed: int,
) -> NDArray[np.str_]:
    """Split of each image `[image]`: one of `train`, `val`, `test`, `holdout`.

    `labels` are 0, 1 or -1 (none), `blocks` the numbers of `roadwork.data.blocks`, `given` the splits that the source
    gives ("" where it gives none); a given split is kept. The other images are divided by the fractions, which are
    shares of those images: where a block has a given split, they join it (the most frequent one, where a source tears
    its own block apart); the remaining blocks are allocated as a whole. An image without label goes to `test` or
    `holdout`, because the others can't use it, and takes its block along.

    Raises ParameterError where the fractions leave nothing to train on, and SplitError (with the counts) where there
    is one class only, where a split would lack a class, or where an image without label belongs to a train block.
    """
    label, block = np.asarray(labels, dtype=np.int64), np.asarray(blocks, dtype=np.int64)
    split = np.asarray(given).astype("<U7")
    fractions = np.array([0.0, val_fraction, test_fraction, holdout_fraction])
    fractions[0] = 1.0 - fractions.sum()
    if fractions[0] <= 0:
        raise ParameterError(
            f"the fractions of val, test and holdout sum to {1.0 - fractions[0]:g}",
            where="params.yaml: ingest.test_fraction, ingest.val_fraction, ingest.holdout_fraction",
            rule="their sum stays below 1, the rest is train",
            fix="lower one of them",
        )
    split = _join_given(split, block)
    _refuse_unlabelled_training(label, split)
    free = split == ""
    if not free.any():
        return split

    _require_two_classes(label)
    counts, row_block = class_counts(label[free], block[free])
    allowed = np.ones((len(counts), len(SPLITS)), dtype=bool)
    allowed[counts[:, _UNLABELLED] > 0] = _MAY_LACK_LABELS
    if not (allowed & (fractions > 0)).any(axis=1).all():
        raise SplitError(
            f"{counts[:, _UNLABELLED].sum()} images have neither label nor split, and nowhere to go",
            where="params.yaml: ingest.source, ingest.test_fraction, ingest.holdout_fraction",
            rule="an image without label can only be in test or holdout, and both fractions are 0",
            fix="label them, give them a split, leave them out, or set ingest.test_fraction above 0",
        )
    total = _table(label, split)
    joined = (np.asarray(given).astype("<U7") == "") & ~free
    present = total > 0
    present[:, _UNLABELLED] = True
    part = allocate(
        counts,
        fractions,
        seed=seed,
        taken=_table(label[joined], split[joined]),
        present=present,
        allowed=allowed,
    )
    split[free] = np.array(SPLITS)[part[row_block]]
    _require_classes_everywhere(_table(label, split), fractions, len(counts))
    return split


def _join_given(split: NDArray[np.str_], block: NDArray[np.int64]) -> NDArray[np.str_]:
    """Give each row without split the given split of its block; of several the most frequent, the later in a tie."""
    votes: dict[int, Counter[str]] = {}
    for number, name in zip(block[split != ""].tolist(), split[split != ""].tolist(), strict=True):
        votes.setdefault(number, Counter())[name] += 1
    winner = {number: max(names, key=lambda name: (names[name], SPLITS.index(name))) for number, names in votes.items()}
    joined = [name or winner.get(number, "") for name, number in zip(split.tolist(), block.tolist(), strict=True)]
    return np.array(joined, dtype="<U7")


def _table(label: NDArray[np.int64], split: NDArray[np.str_]) -> NDArray[np.int64]:
    """Images `[split class]`; the classes are none, roadwork, unlabelled."""
    return np.array([[((split == name) & (label == value)).sum() for value in (0, 1, -1)] for name in SPLITS])


def _refuse_unlabelled_training(label: NDArray[np.int64], split: NDArray[np.str_]) -> None:
    faulty = int(((split == "train") & (label < 0)).sum())
    if faulty:
        raise SplitError(
            f"{faulty} images without label are in train, or in one block with training images",
            where="params.yaml: ingest.source and its label and split columns",
            rule="every training image has a label; images of one group or place share their split",
            fix="label these images or leave them out of the table",
        )


def _require_two_classes(label: NDArray[np.int64]) -> None:
    none, roadwork = int((label == 0).sum()), int((label == 1).sum())
    if not none or not roadwork:
        raise SplitError(
            f"only one class: {roadwork} images with roadwork, {none} without, {int((label < 0).sum())} unlabelled",
            where="params.yaml: ingest.source and its label column",
            rule="a division stratified by label needs both classes",
            fix="add images of the other class, or check the label column",
        )


def _require_classes_everywhere(table: NDArray[np.int64], fractions: NDArray[np.float64], free_blocks: int) -> None:
    lacking = [
        f"{name} ({roadwork} with roadwork, {none} without)"
        for name, fraction, (none, roadwork, _) in zip(SPLITS, fractions, table, strict=True)
        if fraction > 0 and not (none and roadwork)
    ]
    if lacking:
        raise SplitError(
            f"{free_blocks} blocks of images are too few to divide: {', '.join(lacking)} would lack a class",
            where="params.yaml: ingest.source, ingest.group_radius_m",
            rule="images of one group or within ingest.group_radius_m stay together; every split has both classes",
            fix="add images of other places or groups, lower ingest.group_radius_m, give the splits in the source, or "
            "set the fraction of a split you don't need to 0",
        )
