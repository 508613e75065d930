"""The tables of predictions and evidence against the images that they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from roadwork.data.row_order import check_order
from roadwork.evaluate.modes import MODES
from roadwork.evaluate.unseen import unseen_images
from roadwork.verify.fault import Faults, listed


def check_numbers(table: pd.DataFrame, faults: Faults, *, where: str, stage: str) -> None:
    """Note margins that aren't finite and probabilities outside 0 to 1."""
    check_margins(table, faults, where=where, stage=stage)
    for mode in MODES:
        check_probability(table, f"probability_{mode}", faults, where=where, stage=stage)


def check_margins(table: pd.DataFrame, faults: Faults, *, where: str, stage: str) -> None:
    """Note margins that aren't finite."""
    for mode in MODES:
        bad = ~np.isfinite(table[f"margin_{mode}"].to_numpy(dtype=np.float64))
        _note(bad, f"margin_{mode}", "finite", faults, where=where, stage=stage)


def check_probability(table: pd.DataFrame, name: str, faults: Faults, *, where: str, stage: str) -> None:
    """Note probabilities in column `name` outside 0 to 1."""
    probability = table[name].to_numpy(dtype=np.float64)
    _note(~((probability >= 0) & (probability <= 1)), name, "from 0 to 1", faults, where=where, stage=stage)


def _note(bad: NDArray[np.bool_], name: str, rule: str, faults: Faults, *, where: str, stage: str) -> None:
    if bad.any():
        shown = listed(np.flatnonzero(bad).tolist())
        faults.add(f"`{name}` is no such number in rows {shown}", where=f"{where}: {name}", rule=rule,
                   fix=f"run `roadwork {stage}` again")  # fmt: skip


def check_unseen(
    predictions: pd.DataFrame, frame: pd.DataFrame, divided: pd.DataFrame, splits: Sequence[str], faults: Faults, *,
    where: str, stage: str,
) -> None:  # fmt: skip
    """Note where the rows aren't the labelled images of `splits`, in that order, as they are now."""
    known = unseen_images(frame, divided)
    expected = known.loc[known["split"].isin(splits)]
    with faults.noted():
        ids = predictions["image_id"].astype(str).tolist()
        check_order(ids, expected["image_id"].tolist(), where=f"{where}: image_id", stage=stage)
        for name in ("split", "label", "block"):
            if name in predictions and predictions[name].tolist() != expected[name].tolist():
                faults.add(f"`{name}` isn't that of the manifest and the folds", where=f"{where}: {name}",
                           rule="predictions tell split, label and block of now",
                           fix=f"run `roadwork {stage}` again")  # fmt: skip


def check_same_margins(
    predictions: pd.DataFrame, said: pd.DataFrame, faults: Faults, *, where: str, of: str, stage: str
) -> None:
    """Note where `predictions` don't hold what heads `said` of the same images; `of` says whose margins those are."""
    with faults.noted():
        ids = (table["image_id"].astype(str).tolist() for table in (predictions, said))
        check_order(*ids, where=f"{where}: image_id", stage=stage)
        for name in (f"margin_{mode}" for mode in MODES):
            given, expected = (table[name].to_numpy(dtype=np.float64) for table in (predictions, said))
            if not np.allclose(given, expected, rtol=1e-9, atol=1e-12):
                faults.add(f"`{name}` isn't that of {of}", where=f"{where}: {name}",
                           rule="heads are scored by what they said", fix=f"run `roadwork {stage}` again")  # fmt: skip


def check_gathered(oof: pd.DataFrame, gathered: pd.DataFrame, faults: Faults, *, where: str) -> None:
    """Note where the out-of-fold table isn't what the members' own predictions give."""
    fix = "run `roadwork ensemble` again"
    with faults.noted():
        ids = (table["image_id"].astype(str).tolist() for table in (oof, gathered))
        check_order(*ids, where=f"{where}: image_id", stage="ensemble")
        for name in gathered.columns.drop("image_id"):
            given, expected = (
                table[name].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan) for table in (oof, gathered)
            )
            if not np.allclose(given, expected, rtol=1e-6, atol=1e-9, equal_nan=True):
                faults.add(f"`{name}` isn't what the fine-tuned heads' predictions give", where=f"{where}: {name}",
                           rule="the predictions of all folds, gathered and calibrated", fix=fix)  # fmt: skip


def check_evidence(
    evidence: pd.DataFrame, test: Sequence[str], names: Sequence[str], faults: Faults, *, where: str
) -> None:
    """Note where the evidence isn't a row for each labelled test image and view, or holds what can't be."""
    fix = "run `roadwork evaluate` again"
    expected: Mapping[str, list] = {
        "image_id": [image_id for image_id in test for _ in names],
        "view": list(range(len(names))) * len(test),
        "name": list(names) * len(test),
    }
    for name, wanted in expected.items():
        if evidence[name].tolist() != wanted:
            faults.add(f"`{name}` isn't that of the labelled test images and their views", where=f"{where}: {name}",
                       rule="one row for each image and view, in the manifest's order", fix=fix)  # fmt: skip
    gate, kept, logit, deletion = (evidence[name].to_numpy() for name in ("gate", "kept", "logit", "deletion"))
    kinds = {
        "gate": (~((gate >= 0) & (gate <= 1)) | (~kept & (gate != 0)), "from 0 to 1, and 0 where the view was pruned"),
        "logit": (np.isfinite(logit) != kept, "finite, and null where the view was pruned"),
        "deletion": (~(np.abs(deletion) <= 1), "a difference of probabilities"),
    }
    for name, (bad, rule) in kinds.items():
        if bad.any():
            shown = listed(np.flatnonzero(bad).tolist())
            faults.add(f"`{name}` is wrong in rows {shown}", where=f"{where}: {name}", rule=rule, fix=fix)


def check_deletions(evidence: pd.DataFrame, expected: pd.DataFrame, faults: Faults, *, where: str) -> None:
    """Note where the evidence isn't `expected`: the head's own, calibrated as the headline is."""
    for name in ("gate", "kept", "logit", "deletion"):
        given, wanted = (table[name].to_numpy(dtype=np.float64) for table in (evidence, expected))
        if given.shape != wanted.shape or not np.allclose(given, wanted, rtol=1e-5, atol=1e-6, equal_nan=True):
            faults.add(f"`{name}` isn't what the pretrained head said", where=f"{where}: {name}",
                       rule="the evidence is the head's own, calibrated as the headline",
                       fix="run `roadwork evaluate` again")  # fmt: skip
