"""The folds and the sampling weights against the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from roadwork.data.row_order import check_order
from roadwork.verify.fault import Faults, listed

_FOLDS_FIX = "run `roadwork folds` again"
_SAMPLING_FIX = "run `roadwork sampling` again"


def check_folds(
    divided: pd.DataFrame, frame: pd.DataFrame | None, folds: Sequence[int], faults: Faults, *, where: str
) -> None:
    """Note where the table isn't a division of the manifest's `frame` into `folds`.

    Rows, splits (val may be carved out of train), one role per fold, and no block on two sides.
    """
    roles = {f"role_{fold}" for fold in folds}
    found = {str(name) for name in divided if str(name).startswith("role_")}
    if found != roles:
        faults.add(
            f"the table is of the folds {listed(sorted(name[5:] for name in found))}, "
            f"finetune.folds are {listed(list(folds))}",
            where=f"{where}, params.yaml: finetune.folds",
            rule="a column role_K for every fold K",
            fix=_FOLDS_FIX,
        )
    if frame is not None:
        with faults.noted():
            given, expected = (table["image_id"].astype(str).tolist() for table in (divided, frame))
            check_order(given, expected, where=f"{where}: image_id", stage="folds")
            _check_splits(divided, frame, faults, where=where)
    fold = divided["fold"].astype("Int64").fillna(-1).to_numpy(dtype=np.int64)
    if not set(fold.tolist()) <= {-1, *folds}:
        faults.add(
            "an image is in a fold that there isn't",
            where=f"{where}: fold",
            rule="null, or one of finetune.folds",
            fix=_FOLDS_FIX,
        )
    for name in sorted(found & roles):
        role = divided[name].fillna("").to_numpy(dtype=object)
        number = int(name[5:])
        wrong = ((role == "test") != (fold == number)) | ((role != "") != (fold >= 0))
        wrong |= ~np.isin(role.astype(str), ["", "train", "val", "test"])
        if wrong.any():
            shown = listed(np.flatnonzero(wrong).tolist())
            faults.add(
                f"`{name}` doesn't fit `fold` in rows {shown}",
                where=f"{where}: {name}",
                rule="the fold's images are `test`, those of other folds `train` or `val`, the rest has no role",
                fix=_FOLDS_FIX,
            )
        _check_blocks(divided["block"].to_numpy(), role, f"fold {number}", faults, where=f"{where}: {name}")


def check_sampling(
    sampling: pd.DataFrame, divided: pd.DataFrame | None, metrics: Mapping[str, Any] | None,
    asked: Mapping[str, Any], faults: Faults, *, where: str, metrics_where: str,
) -> None:  # fmt: skip
    """Note where the weights aren't of the training images, aren't numbers, or were made with other parameters.

    `asked` are keys of the metrics that section `sampling` gives.
    """
    if divided is not None:
        with faults.noted():
            training = divided.loc[divided["split"] == "train", "image_id"].astype(str).tolist()
            check_order(
                sampling["image_id"].astype(str).tolist(), training, where=f"{where}: image_id", stage="sampling"
            )
    weight, distance = (sampling[name].to_numpy(dtype=np.float64) for name in ("weight", "distance_km"))
    rules = {
        "weight": (~(np.isfinite(weight) & (weight >= 0)), "finite, 0 or more"),
        "distance_km": (np.isinf(distance) | (distance < 0), "0 or more, or null where there is no GPS"),
    }
    for name, (bad, rule) in rules.items():
        if bad.any():
            shown = listed(np.flatnonzero(bad).tolist())
            faults.add(f"`{name}` is wrong in rows {shown}", where=f"{where}: {name}", rule=rule, fix=_SAMPLING_FIX)
    told = {} if metrics is None else {**asked, "training_images": len(sampling)}
    for name, value in told.items():
        if metrics is not None and metrics.get(name) != value:
            faults.add(
                f"`{name}` is {metrics.get(name)!r}, the parameters and the table give {value!r}",
                where=f"{metrics_where}: {name}",
                rule="the metrics were written with the table, from the parameters of now",
                fix=_SAMPLING_FIX,
            )


def _check_splits(divided: pd.DataFrame, frame: pd.DataFrame, faults: Faults, *, where: str) -> None:
    final, given = (table["split"].fillna("").to_numpy(dtype=object) for table in (divided, frame))
    wrong = (final != given) & ~((final == "val") & (given == "train"))
    if wrong.any():
        faults.add(
            f"the split isn't the manifest's in rows {listed(np.flatnonzero(wrong).tolist())}",
            where=f"{where}: split",
            rule="the manifest's split, or val where it was carved out of train",
            fix=_FOLDS_FIX,
        )
    if (final == "val").any() and not (given == "val").any():
        carved = np.where(np.isin(final.astype(str), ["train", "val"]), final, "")
        _check_blocks(divided["block"].to_numpy(), carved, "train and val", faults, where=f"{where}: split")


def _check_blocks(block: np.ndarray, side: np.ndarray, of: str, faults: Faults, *, where: str) -> None:
    sides = pd.DataFrame({"block": block, "side": side})
    counts = sides.loc[sides["side"] != ""].groupby("block")["side"].nunique()
    torn = counts.index[counts > 1].tolist()
    if torn:
        faults.add(
            f"the blocks {listed(torn)} are on two sides of {of}",
            where=where,
            rule="images of one group or place are on one side of a division",
            fix=_FOLDS_FIX,
        )
