"""The trained heads: what they were trained on, from, and with which parameters, as far as they record it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from roadwork.evaluate.modes import MODES
from roadwork.model.head_config import HeadSpec
from roadwork.train.features import FeatureTable
from roadwork.train.provenance import TrainedOn, check_trained_on
from roadwork.verify.fault import Faults, listed


def check_trained(
    details: Mapping[str, Any], table: FeatureTable | None, seed: int, reproducible: bool, most_epochs: int,
    faults: Faults, *, where: str, stage: str,
) -> None:  # fmt: skip
    """Note features, data, seed or mode of training other than those of now, and more epochs than there may be."""
    fix = f"run `roadwork {stage}` again"
    if table is not None:
        with faults.noted():
            check_trained_on(
                TrainedOn.from_details(details), TrainedOn.from_table(table), model="the head", where=where, fix=fix
            )
    asked = {"seed": seed, "reproducible": reproducible}
    for name, value in asked.items():
        if details.get(name) != value:
            faults.add(
                f"it was trained with {name} {details.get(name)!r}, the parameters give {value!r}",
                where=where,
                rule="a head was trained with the parameters of now",
                fix=fix,
            )
    epochs = details.get("epochs")
    if not isinstance(epochs, int) or not 0 <= epochs <= most_epochs:
        faults.add(f"it was trained for {epochs!r} epochs", where=where, rule=f"at most {most_epochs}", fix=fix)


def check_spec(found: HeadSpec, expected: HeadSpec, faults: Faults, *, where: str, stage: str) -> None:
    """Note each number by which the head differs from the parameters."""
    given, asked = (_flat(spec.model_dump(mode="json")) for spec in (found, expected))
    for name in sorted(given.keys() | asked.keys()):
        if given.get(name) != asked.get(name):
            faults.add(
                f"`{name}` of the head is {given.get(name)!r}, the parameters and features give {asked.get(name)!r}",
                where=where,
                rule="a head has the shape that the parameters of now give",
                fix=f"run `roadwork {stage}` again, or set the parameter back",
            )


def check_fold_predictions(
    predictions: pd.DataFrame, fold: int, frame: pd.DataFrame | None, divided: pd.DataFrame | None, faults: Faults, *,
    where: str,
) -> None:  # fmt: skip
    """Note where a member's predictions aren't of its fold's images, in order, with their labels and blocks."""
    fix = f"run `roadwork finetune {fold}` again"
    for mode in MODES:
        bad = ~np.isfinite(predictions[f"margin_{mode}"].to_numpy(dtype=np.float64))
        if bad.any():
            faults.add(f"`margin_{mode}` isn't finite in rows {listed(np.flatnonzero(bad).tolist())}", where=where,
                       rule="every margin is finite", fix=fix)  # fmt: skip
    if frame is None or divided is None or len(frame) != len(divided):
        return
    mine = (divided[f"role_{fold}"] == "test").to_numpy(dtype=bool)
    expected = pd.DataFrame(
        {
            "image_id": frame["image_id"].astype(str),
            "label": frame["label"].astype("Int64"),
            "block": divided["block"].astype("int64"),
            "fold": fold,
        }
    )[mine]
    for name, wanted in expected.items():
        column = str(name)
        given = predictions[column].astype(str if column == "image_id" else "Int64").tolist()
        if given != wanted.tolist() and not _all_equal(given, wanted.tolist()):
            faults.add(f"`{column}` isn't that of the fold's images", where=f"{where}: {column}",
                       rule=f"one row for each image of fold {fold}, in the manifest's order", fix=fix)  # fmt: skip


def _all_equal(given: list[Any], wanted: list[Any]) -> bool:
    pairs = zip(given, wanted, strict=False)
    return len(given) == len(wanted) and all((a is pd.NA and b is pd.NA) or bool(a == b) for a, b in pairs)


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in value.items():
        found |= _flat(item, f"{prefix}{name}.") if isinstance(item, Mapping) else {f"{prefix}{name}": item}
    return found
