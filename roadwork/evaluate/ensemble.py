"""Which fine-tuned heads make the bundle, and how they speak with one voice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from roadwork.errors import ParameterError, StoreError
from roadwork.evaluate.calibration import Calibration, fit_calibration
from roadwork.evaluate.modes import MODES


def rank_members(inner_val_mcc: Mapping[int, float], members: int) -> tuple[int, ...]:
    """The `members` folds with the highest inner-validation MCC, best first; of equals, the lower fold first.

    Raises ParameterError when more members are asked for than folds were fine-tuned.
    """
    if members > len(inner_val_mcc):
        raise ParameterError(
            f"{members} members, but {len(inner_val_mcc)} folds were fine-tuned",
            where="params.yaml: ensemble.members",
            rule="at most the length of finetune.folds",
            fix=f"ensemble.members: {len(inner_val_mcc)}",
        )
    return tuple(sorted(inner_val_mcc, key=lambda fold: (-inner_val_mcc[fold], fold))[:members])


def mean_margin(margins: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The margin of averaged logits: a margin is a difference of logits, so the members' margins are averaged."""
    return np.mean(np.stack(margins), axis=0)


def mean_margins(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """What members say together: their tables of margins, of the same images in the same order, as one of means.

    Raises StoreError where the images differ.
    """
    first = tables[0]
    margins = [f"margin_{mode}" for mode in MODES]
    for table in tables[1:]:
        if not table.drop(columns=margins).equals(first.drop(columns=margins)):
            raise StoreError(
                "the members speak of different images",
                where="models/finetuned",
                rule="every member is asked about the same images of now",
                fix="run `roadwork finetune` for every fold again",
            )
    return first.assign(
        **{name: mean_margin([table[name].to_numpy(np.float64) for table in tables]) for name in margins}
    )


def bundle_calibrations(oof: pd.DataFrame) -> dict[str, Calibration]:
    """By mode (`image_only`, `with_metadata`), the calibration fitted on all labelled out-of-fold margins."""
    known = oof.dropna(subset="label")
    labels = known["label"].to_numpy(np.int64)
    margins = {mode: known[f"margin_{mode}"].to_numpy(np.float64) for mode in MODES}
    return {mode: fit_calibration(labels, margins[mode], where=f"out-of-fold margins, {mode}") for mode in MODES}


def with_probabilities(margins: pd.DataFrame, calibrations: Mapping[str, Calibration]) -> pd.DataFrame:
    """A table with a column margin_<mode> for each mode, and the probability_<mode> that `calibrations` make of it."""
    found = {
        f"probability_{mode}": calibrations[mode].probabilities(margins[f"margin_{mode}"].to_numpy(np.float64))
        for mode in MODES
    }
    return margins.assign(**found)
