"""The headline: the pretrained head on images it was never fitted to, its boundary chosen on validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from roadwork.errors import SplitError, StoreError
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.calibration import Calibration, fit_calibration
from roadwork.evaluate.modes import MODES
from roadwork.evaluate.score import Predictions, difference_row, rounded, score_row


class Headline(NamedTuple):
    """`predictions`: one row per labelled image of val, test and holdout; `metrics`: rows of test, calibrations."""

    predictions: pd.DataFrame
    metrics: dict[str, Any]


def headline(answers: pd.DataFrame, resampling: Resampling, *, head_sha256: str) -> Headline:
    """Calibrate what the pretrained head said of val, test and holdout, and score test, image only and with metadata.

    `answers` is the table of `roadwork.evaluate.answers.unseen_margins`; the predictions are the same rows with a
    column probability_<mode> after each margin_<mode>, calibrated on val. `head_sha256`, the digest of the head's
    weights, is noted in the metrics: `check_headline` compares it. Raises SplitError where test has no labelled image
    or val doesn't hold both classes.
    """
    if "test" not in set(answers["split"]):
        raise SplitError(
            "no image of the test split has a label", rule="the headline is measured on test", fix="label some of test"
        )
    frame, calibrations = answers.drop(columns=[f"margin_{mode}" for mode in MODES]), {}
    val = answers.loc[answers["split"] == "val"]
    for mode in MODES:
        labels, margins = val["label"].to_numpy(np.int64), val[f"margin_{mode}"].to_numpy(np.float64)
        calibrations[mode] = fit_calibration(labels, margins, where=f"the val split, {mode}")
        frame[f"margin_{mode}"] = answers[f"margin_{mode}"]
        frame[f"probability_{mode}"] = calibrations[mode].probabilities(frame[f"margin_{mode}"])
    test = {mode: predictions_of(frame, "test", mode, calibrations[mode]) for mode in MODES}
    rows = {mode: score_row(test[mode], resampling) for mode in MODES}
    rows["with_metadata"]["difference"] = difference_row(test["with_metadata"], test["image_only"], resampling)
    metrics = {
        "head_sha256": head_sha256,
        "confidence": resampling.confidence,
        "resamples": resampling.resamples,
        "test": rows,
        "calibrations": rounded({mode: found.model_dump() for mode, found in calibrations.items()}),
    }
    return Headline(frame, metrics)


def predictions_of(frame: pd.DataFrame, split: str, mode: str, calibration: Calibration | None = None) -> Predictions:
    """The rows of `split` in a table of `headline`, as predictions of one mode."""
    rows = frame.loc[frame["split"] == split]
    return Predictions(
        rows["label"].to_numpy(np.int64),
        rows["block"].to_numpy(np.int64),
        rows[f"probability_{mode}"].to_numpy(np.float64),
        None if calibration is None else calibration.threshold,
    )


def calibrations_of(metrics: Mapping[str, Any]) -> dict[str, Calibration]:
    """The calibrations fitted on val, by mode, out of `metrics/headline.json`."""
    return {mode: Calibration(**metrics["calibrations"][mode]) for mode in MODES}


def check_headline(metrics: Mapping[str, Any], head_sha256: str, *, where: str, fix: str) -> None:
    """Raise StoreError unless `metrics/headline.json` is about the head whose weights have this digest."""
    if metrics.get("head_sha256") != head_sha256:
        raise StoreError(
            "the headline was measured with another head than this one",
            where=where,
            rule="scores belong to the weights they were measured with",
            fix=fix,
        )
