"""How far the folds lie apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from roadwork.evaluate.metrics import scores


class Fold(NamedTuple):
    """One fold: its fine-tuning's metrics, whether it is a member of the bundle, and the MCC on its outer part.

    The latter is None where no image of that part has a label.
    """

    metrics: Mapping[str, Any]
    member: bool
    outer_mcc: float | None


def fold_rows(folds: Sequence[Mapping[str, Any]], members: Sequence[int], oof: pd.DataFrame) -> list[Fold]:
    """The folds in order. The outer MCC is that of the cross-fitted image-only probabilities of the fold's images."""
    outer = {
        int(str(fold)): scores(part["label"].to_numpy("int64"), part["probability_image_only"].to_numpy())["mcc"]
        for fold, part in oof.dropna(subset=["label"]).groupby("fold")
    }
    return [Fold(metrics, metrics["fold"] in members, outer.get(metrics["fold"])) for metrics in folds]


def spread(folds: Sequence[Fold]) -> tuple[float, float] | None:
    """The lowest and the highest outer MCC; None where there is none."""
    known = [fold.outer_mcc for fold in folds if fold.outer_mcc is not None]
    return (min(known), max(known)) if known else None
