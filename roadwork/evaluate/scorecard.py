"""Everything that is claimed about a run, in one file: `metrics/evaluate.json`.

test             the pretrained head on the test split; calibration and threshold come from val
oof              the fine-tuned heads, each on the outer fold it never saw; calibrated on the other folds
holdout          the ensemble as shipped, on a split nothing was fitted to; null where the data has none
baselines        simple models on the same features and splits; the difference is the image-only headline minus the
                 baseline, paired on the same resamples
leak_audit       what each metadata field says about the label by being there, by its value, and on its own
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from roadwork.errors import SplitError
from roadwork.evaluate.baselines import fit_baselines
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.calibration import Calibration, fit_calibration
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.ensemble import mean_margin
from roadwork.evaluate.leak_audit import leak_audit
from roadwork.evaluate.metadata_features import metadata_features
from roadwork.evaluate.oof import MODES, out_of_fold
from roadwork.evaluate.score import Predictions, difference_row, score_row
from roadwork.model.metadata import MetadataConfig
from roadwork.train.features import FeatureTable

Margins = Callable[[FeatureTable, bool], NDArray[np.float64]]
"""A model: margins `[image]` of a table, the metadata hidden when the second argument is true."""

OOF_LABEL = "adapted to the test distribution"
NO_HOLDOUT = "not measurable on this data"


@dataclass(frozen=True)
class Evaluation:
    """The scorecard, and the headline's predictions (pretrained head, test, image only) for curves."""

    scorecard: dict[str, Any]
    headline: Predictions


def evaluate(
    table: FeatureTable,
    pretrained: Margins,
    members: Sequence[Margins],
    calibrations: Mapping[str, Calibration],
    oof: pd.DataFrame,
    config: EvaluateConfig,
    metadata: MetadataConfig,
    *,
    seed: int,
) -> Evaluation:
    """The scorecard of a run. Images without a label are left out everywhere; `unlabelled` counts them.

    `members` and `calibrations` are the bundle's, `oof` the gathered out-of-fold predictions. Raises SplitError when
    train, val or test can't support the comparison (no labelled images, one class in train or val).
    """
    resampling = config.resampling(seed)
    parts = {split: labelled(table, split) for split in ("train", "val", "test", "holdout")}
    if not len(parts["test"]):
        raise SplitError(
            "no image of the test split has a label", rule="the headline is measured on test", fix="label some of test"
        )
    test = {mode: _calibrated_on_val(pretrained, parts, mode) for mode in MODES}
    adapted, fold_thresholds = out_of_fold(oof)
    headline = test["image_only"]
    card: dict[str, Any] = {
        "confidence": config.confidence,
        "resamples": config.resamples,
        "unlabelled": {split: int((table.split == split).sum()) - len(parts[split]) for split in ("test", "holdout")},
        "test": {mode: score_row(test[mode], resampling) for mode in MODES},
    }
    card["test"]["with_metadata"]["difference"] = difference_row(test["with_metadata"], headline, resampling)
    for mode, name in (("image_only", "oof"), ("with_metadata", "oof_with_metadata")):
        card[name] = {"label": OOF_LABEL} | score_row(adapted[mode], resampling)
        card[name]["fold_thresholds"] = fold_thresholds[mode]
    card |= _holdout(parts["holdout"], members, calibrations, resampling)
    card["baselines"] = _baselines(parts, headline, config, metadata, resampling)
    card["leak_audit"] = leak_audit(parts, metadata, config, resampling)
    return Evaluation(card, headline)


def labelled(table: FeatureTable, split: str) -> FeatureTable:
    """The rows of `split` that have a label."""
    return table.rows((table.split == split) & (table.labels.cpu().numpy() >= 0))


def _calibrated_on_val(model: Margins, parts: Mapping[str, FeatureTable], mode: str) -> Predictions:
    hide = mode == "image_only"
    val = parts["val"]
    calibration = fit_calibration(val.labels.cpu().numpy(), model(val, hide), where=f"the val split, {mode}")
    return _predictions(parts["test"], model(parts["test"], hide), calibration)


def _predictions(table: FeatureTable, margins: NDArray[np.float64], calibration: Calibration) -> Predictions:
    probabilities = calibration.probabilities(margins)
    return Predictions(table.labels.cpu().numpy(), table.block.astype(np.int64), probabilities, calibration.threshold)


def _holdout(
    part: FeatureTable, members: Sequence[Margins], calibrations: Mapping[str, Calibration], resampling: Resampling
) -> dict[str, Any]:
    if not len(part):
        return {"holdout": None, "holdout_with_metadata": None, "holdout_note": NO_HOLDOUT}
    rows = {}
    for mode, name in (("image_only", "holdout"), ("with_metadata", "holdout_with_metadata")):
        margins = mean_margin([member(part, mode == "image_only") for member in members])
        rows[name] = score_row(_predictions(part, margins, calibrations[mode]), resampling)
    return rows


def _baselines(
    parts: Mapping[str, FeatureTable],
    headline: Predictions,
    config: EvaluateConfig,
    metadata: MetadataConfig,
    resampling: Resampling,
) -> dict[str, Any]:
    splits = ("train", "val", "test")
    results = fit_baselines(
        {split: parts[split].embeddings.cpu().numpy() for split in splits},
        {split: metadata_features(parts[split].metadata, metadata) for split in splits},
        {split: parts[split].labels.cpu().numpy() for split in splits},
        config,
    )
    rows = {}
    for name, result in results.items():
        own = Predictions(headline.labels, headline.blocks, result.probabilities, result.threshold)
        rows[name] = score_row(own, resampling) | result.chosen
        rows[name]["difference"] = difference_row(headline, own, resampling)
    return rows
