"""The headline: the pretrained head on images it was never fitted to, its boundary chosen on validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from roadwork.errors import SplitError, StoreError
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.calibration import Calibration, fit_calibration
from roadwork.evaluate.margins import Margins
from roadwork.evaluate.modes import MODES, hides_metadata
from roadwork.evaluate.score import Predictions, difference_row, rounded, score_row
from roadwork.train.features import FeatureTable

SPLITS = ("val", "test", "holdout")


class Headline(NamedTuple):
    """`predictions`: one row per labelled image of `SPLITS`; `metrics`: the rows of test, and the calibrations."""

    predictions: pd.DataFrame
    metrics: dict[str, Any]


def headline(table: FeatureTable, head: Margins, resampling: Resampling, *, head_sha256: str) -> Headline:
    """Predict val, test and holdout with the pretrained head, and score test, image only and with metadata.

    `head_sha256`, the digest of its weights, is noted in the metrics: `check_headline` compares it.
    Columns of the predictions: image_id, split, label, block, and for each mode margin_<mode> and probability_<mode>,
    calibrated on val. Images without a label are left out. Raises SplitError where test has no labelled image or val
    doesn't hold both classes.
    """
    parts = {split: labelled(table, split) for split in SPLITS}
    if not len(parts["test"]):
        raise SplitError(
            "no image of the test split has a label", rule="the headline is measured on test", fix="label some of test"
        )
    frame = pd.concat([_described(parts[split], split) for split in SPLITS], ignore_index=True)
    calibrations = {}
    for mode in MODES:
        margins = {split: head(part, hides_metadata(mode)) for split, part in parts.items()}
        labels = parts["val"].labels.cpu().numpy()
        calibrations[mode] = fit_calibration(labels, margins["val"], where=f"the val split, {mode}")
        frame[f"margin_{mode}"] = np.concatenate([margins[split] for split in SPLITS])
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


def labelled(table: FeatureTable, split: str) -> FeatureTable:
    """The rows of `split` that have a label."""
    return table.rows((table.split == split) & (table.labels.cpu().numpy() >= 0))


def _described(part: FeatureTable, split: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image_id": part.image_ids,
            "split": np.full(len(part), split, dtype=object),
            "label": part.labels.cpu().numpy().astype(np.int8),
            "block": part.block.astype(np.int32),
        }
    )
