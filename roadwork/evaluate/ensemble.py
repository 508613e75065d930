"""Which fine-tuned heads make the bundle, and how they speak with one voice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from roadwork.config import Section
from roadwork.errors import ParameterError
from roadwork.evaluate.calibration import Calibration, fit_calibration
from roadwork.evaluate.modes import MODES


class EnsembleConfig(Section):
    """Section `ensemble` of `params.yaml`."""

    members: int = Field(description="how many of the best fine-tuned heads average their logits", ge=1, le=100)


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


def bundle_calibrations(oof: pd.DataFrame) -> dict[str, Calibration]:
    """By mode (`image_only`, `with_metadata`), the calibration fitted on all labelled out-of-fold margins."""
    known = oof.dropna(subset="label")
    labels = known["label"].to_numpy(np.int64)
    margins = {mode: known[f"margin_{mode}"].to_numpy(np.float64) for mode in MODES}
    return {mode: fit_calibration(labels, margins[mode], where=f"out-of-fold margins, {mode}") for mode in MODES}
