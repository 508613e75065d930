"""Out-of-fold predictions: gathered from all folds, and calibrated so that no image helps to judge itself."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from roadwork.errors import SplitError, StoreError
from roadwork.evaluate.calibration import Calibration, fit_calibration
from roadwork.evaluate.modes import MODES
from roadwork.evaluate.score import Predictions, rounded


def cross_fitted(
    labels: ArrayLike, margins: ArrayLike, folds: ArrayLike, *, where: str = "out-of-fold predictions"
) -> tuple[NDArray[np.float64], dict[int, Calibration]]:
    """Probability of each image by the calibration fitted on the *other* folds, and that calibration by fold.

    The calibration that the bundle ships is fitted on all of these margins, so scoring them with it would be scoring
    on the data that chose the threshold. `labels [image]` is 0, 1 or -1 (unknown: predicted but not fitted to).

    Raises SplitError with fewer than two folds, or when the other folds hold one class only.
    """
    truth, values, fold = np.asarray(labels), np.asarray(margins, np.float64), np.asarray(folds)
    names = [int(name) for name in np.unique(fold)]
    if len(names) < 2:
        raise SplitError(
            "one fold alone can't be cross-fitted", where=where, rule="at least 2 folds", fix="add to finetune.folds"
        )
    probabilities = np.empty(len(values))
    calibrations = {}
    for name in names:
        fit = (fold != name) & (truth >= 0)
        calibrations[name] = fit_calibration(truth[fit], values[fit], where=f"{where}, all folds but {name}")
        probabilities[fold == name] = calibrations[name].probabilities(values[fold == name])
    return probabilities, calibrations


def out_of_fold(oof: pd.DataFrame) -> tuple[dict[str, Predictions], dict[str, dict[str, float]]]:
    """By mode, the labelled rows of a gathered table with cross-fitted probabilities; and the thresholds by fold."""
    known = oof.dropna(subset="label")
    labels, blocks = known["label"].to_numpy(np.int64), known["block"].to_numpy(np.int64)
    folds = known["fold"].to_numpy(np.int64)
    predictions, thresholds = {}, {}
    for mode in MODES:
        probabilities, by_fold = cross_fitted(labels, known[f"margin_{mode}"], folds)
        predictions[mode] = Predictions(labels, blocks, probabilities)
        thresholds[mode] = rounded({str(fold): found.threshold for fold, found in by_fold.items()})
    return predictions, thresholds


def unadapted(oof: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """The labelled rows of `oof` with the pretrained head's margins (a table of stage `headline`) in place of its own.

    Scored in the same way it tells what fine-tuning alone changed. Raises StoreError where `predictions` lacks one.
    """
    margins, known = predictions.set_index("image_id"), oof.dropna(subset="label")
    missing = [image for image in known["image_id"] if image not in margins.index]
    if missing:
        raise StoreError(
            f"the pretrained head's predictions lack {len(missing)} images, first {missing[0]}",
            where="models/predictions.parquet",
            rule="they hold every labelled test image",
            fix="run `roadwork headline` again",
        )
    ordered = margins.loc[known["image_id"]]
    return known.assign(**{f"margin_{mode}": ordered[f"margin_{mode}"].to_numpy() for mode in MODES})


def gather(predictions: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """All folds' predictions of their own outer part, in fold order, with cross-fitted probabilities.

    Takes, by fold, tables with the columns image_id, label, block, fold, margin_image_only, margin_with_metadata; adds
    probability_image_only and probability_with_metadata.

    Raises SplitError when a table holds another fold's rows or an image was predicted by two folds.
    """
    for fold, table in predictions.items():
        if set(table["fold"]) != {fold}:
            raise SplitError(
                f"the predictions of fold {fold} are empty or hold other folds' images",
                where=f"models/finetuned/{fold}/predictions.parquet",
                fix=f"dvc repro -f finetune@{fold}",
            )
    table = pd.concat([predictions[fold] for fold in sorted(predictions)], ignore_index=True)
    twice = table.loc[table.duplicated("image_id"), "image_id"].tolist()
    if twice:
        raise SplitError(
            f"{len(twice)} images were predicted by more than one fold, first {twice[0]}",
            rule="outer folds don't overlap",
            fix="dvc repro -f folds, then dvc repro",
        )
    labels = table["label"].astype("Int8").fillna(-1).to_numpy(np.int64)
    for mode in MODES:
        margins, folds = table[f"margin_{mode}"], table["fold"].to_numpy(np.int64)
        table[f"probability_{mode}"], _ = cross_fitted(labels, margins, folds)
    return table
