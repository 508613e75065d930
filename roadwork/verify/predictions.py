"""The tables of predictions and evidence against the images that they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from roadwork.evaluate.headline import SPLITS
from roadwork.evaluate.modes import MODES
from roadwork.train.features import check_order
from roadwork.verify.fault import Faults, listed


def check_numbers(table: pd.DataFrame, faults: Faults, *, where: str, stage: str) -> None:
    """Note margins that aren't finite and probabilities outside 0 to 1."""
    for mode in MODES:
        margin, probability = (table[f"{kind}_{mode}"].to_numpy(dtype=np.float64) for kind in ("margin", "probability"))
        kinds = {
            f"margin_{mode}": (~np.isfinite(margin), "finite"),
            f"probability_{mode}": (~((probability >= 0) & (probability <= 1)), "from 0 to 1"),
        }
        for name, (bad, rule) in kinds.items():
            if bad.any():
                shown = listed(np.flatnonzero(bad).tolist())
                faults.add(f"`{name}` is no such number in rows {shown}", where=f"{where}: {name}", rule=rule,
                           fix=f"run `roadwork {stage}` again")  # fmt: skip


def check_headline_rows(
    predictions: pd.DataFrame, frame: pd.DataFrame, divided: pd.DataFrame, faults: Faults, *, where: str
) -> None:
    """Note where the rows aren't the labelled images of val, test and holdout, in that order, as they are now."""
    fix = "run `roadwork headline` again"
    known = pd.DataFrame(
        {
            "image_id": frame["image_id"].astype(str).to_numpy(),
            "split": divided["split"].fillna("").astype(str).to_numpy(),
            "label": frame["label"].astype("Int64").fillna(-1).to_numpy(dtype=np.int64),
            "block": divided["block"].to_numpy(dtype=np.int64),
        }
    )
    known = known.loc[known["label"] >= 0]
    expected = pd.concat([known.loc[known["split"] == split] for split in SPLITS], ignore_index=True)
    with faults.noted():
        ids = predictions["image_id"].astype(str).tolist()
        check_order(ids, expected["image_id"].tolist(), where=f"{where}: image_id", stage="headline")
        for name in ("split", "label", "block"):
            if predictions[name].tolist() != expected[name].tolist():
                faults.add(f"`{name}` isn't that of the manifest and the folds", where=f"{where}: {name}",
                           rule="predictions tell split, label and block of now", fix=fix)  # fmt: skip


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
