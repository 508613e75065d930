"""The scorecard: everything that may be claimed of a run, each row beside its interval and its baselines.

Headline: the pretrained head on test with the metadata hidden. Then the same with metadata; then the heads after
fine-tuning, out of fold ("adapted to the test distribution"), beside the pretrained head on the same images with the
same cross-fitting; then the ensemble, on a holdout that nothing was fitted to, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from roadwork.evaluate.baselines import fit_baselines
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.calibration import Calibration
from roadwork.evaluate.calibration_evidence import calibration_evidence
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.duplicates import duplicates
from roadwork.evaluate.ensemble import mean_margin
from roadwork.evaluate.headline import SPLITS, calibrations_of, labelled, predictions_of
from roadwork.evaluate.leak_audit import leak_audit
from roadwork.evaluate.margins import Margins
from roadwork.evaluate.metadata_features import metadata_features
from roadwork.evaluate.modes import MODES, hides_metadata
from roadwork.evaluate.oof import out_of_fold, unadapted
from roadwork.evaluate.plots import Points, plot_data
from roadwork.evaluate.score import Predictions, difference_row, score_row
from roadwork.evaluate.subgroups import subgroups
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.features import FeatureTable

OOF_LABEL = "adapted to the test distribution"
NO_HOLDOUT = "not measurable on this data"

_OOF_ROWS = {"image_only": "oof", "with_metadata": "oof_with_metadata"}
_HOLDOUT_ROWS = {"image_only": "holdout", "with_metadata": "holdout_with_metadata"}


@dataclass(frozen=True)
class Scored:
    """What is to be scored: the results of the stages before, all of the images of one manifest.

    `frame` is the manifest's, row by row that of `table`; `exact_duplicates` what ingest counted. `predictions` and
    `headline` are those of stage `headline`, `members` and `calibrations` the bundle's, `oof` the gathered out-of-fold
    predictions.
    """

    table: FeatureTable
    frame: pd.DataFrame
    exact_duplicates: Mapping[str, int]
    metadata: MetadataConfig
    predictions: pd.DataFrame
    headline: Mapping[str, Any]
    members: Sequence[Margins]
    calibrations: Mapping[str, Calibration]
    oof: pd.DataFrame


@dataclass(frozen=True)
class Evaluation:
    """The scorecard, and the points of the curves by the name of their file."""

    scorecard: dict[str, Any]
    plots: dict[str, Points]


def evaluate(run: Scored, config: EvaluateConfig, *, seed: int) -> Evaluation:
    """The scorecard of a run. Images without a label are left out everywhere; `unlabelled` counts them.

    Raises SplitError when train or val can't support the comparison (one class only).
    """
    resampling = config.resampling(seed)
    table = run.table
    parts = {split: labelled(table, split) for split in ("train", *SPLITS)}
    test = _rows_of(run.predictions, parts["test"])
    headline = predictions_of(test, "test", "image_only", calibrations_of(run.headline)["image_only"])
    oof = _out_of_fold(run, resampling)
    card: dict[str, Any] = {
        "confidence": config.confidence,
        "resamples": config.resamples,
        "unlabelled": {split: int((table.split == split).sum()) - len(parts[split]) for split in ("test", "holdout")},
        "test": dict(run.headline["test"]),
    }
    card |= oof.rows
    card |= _holdout(parts["holdout"], run.members, run.calibrations, resampling)
    card["baselines"] = _baselines(parts, headline, config, run.metadata, resampling, seed)
    card["leak_audit"] = leak_audit(parts, run.metadata, config, resampling, seed=seed)
    card["duplicates"] = duplicates(
        run.frame,
        table.split,
        table.embeddings[:, 0].cpu().numpy(),
        cosine=config.duplicate_cosine,
        radius_m=config.duplicate_radius_m,
        exact=dict(run.exact_duplicates),
    )
    card["subgroups"] = subgroups(headline, _rows_of(run.frame, parts["test"]), config, resampling)
    margins = test["margin_image_only"].to_numpy(np.float64)
    card["calibration"] = {
        "test": calibration_evidence(headline.labels, margins, headline.probabilities),
        "oof": calibration_evidence(oof.image_only.labels, oof.margins, oof.image_only.probabilities),
    }
    return Evaluation(card, plot_data(headline, margins, oof.image_only, oof.margins))


@dataclass(frozen=True)
class _OutOfFold:
    """The scorecard's rows out of fold; the predictions and raw margins of `oof`."""

    rows: dict[str, Any]
    image_only: Predictions
    margins: NDArray[np.float64]


def _out_of_fold(run: Scored, resampling: Resampling) -> _OutOfFold:
    """The fine-tuned heads by mode and, on the same images with the same cross-fitting, the pretrained one."""
    adapted, thresholds = out_of_fold(run.oof)
    start, start_thresholds = out_of_fold(unadapted(run.oof, run.predictions))
    rows = {}
    for mode, name in _OOF_ROWS.items():
        rows[name] = {"label": OOF_LABEL, **score_row(adapted[mode], resampling), "fold_thresholds": thresholds[mode]}
    rows["oof"]["difference"] = difference_row(adapted["image_only"], start["image_only"], resampling)
    rows["oof_unadapted"] = score_row(start["image_only"], resampling)
    rows["oof_unadapted"]["fold_thresholds"] = start_thresholds["image_only"]
    margins = run.oof.dropna(subset="label")["margin_image_only"].to_numpy(np.float64)
    return _OutOfFold(rows, adapted["image_only"], margins)


def _holdout(
    part: FeatureTable, members: Sequence[Margins], calibrations: Mapping[str, Calibration], resampling: Resampling
) -> dict[str, Any]:
    if not len(part):
        return {"holdout": None, "holdout_with_metadata": None, "holdout_note": NO_HOLDOUT}
    rows = {}
    for mode in MODES:
        margins = mean_margin([member(part, hides_metadata(mode)) for member in members])
        found = Predictions(
            part.labels.cpu().numpy(),
            part.block.astype(np.int64),
            calibrations[mode].probabilities(margins),
            calibrations[mode].threshold,
        )
        rows[_HOLDOUT_ROWS[mode]] = score_row(found, resampling)
    return rows


def _baselines(
    parts: Mapping[str, FeatureTable],
    headline: Predictions,
    config: EvaluateConfig,
    metadata: MetadataConfig,
    resampling: Resampling,
    seed: int,
) -> dict[str, Any]:
    splits = ("train", "val", "test")
    results = fit_baselines(
        {split: parts[split].embeddings.cpu().numpy() for split in splits},
        {split: metadata_features(parts[split].metadata, metadata) for split in splits},
        {split: parts[split].labels.cpu().numpy() for split in splits},
        config,
        seed=seed,
    )
    rows = {}
    for name, result in results.items():
        own = Predictions(headline.labels, headline.blocks, result.probabilities, result.threshold)
        rows[name] = score_row(own, resampling) | result.chosen
        rows[name]["difference"] = difference_row(headline, own, resampling)
    return rows


def _rows_of(frame: pd.DataFrame, part: FeatureTable) -> pd.DataFrame:
    """The rows of a table with a column `image_id` that are of `part`, in its order."""
    return frame.set_index("image_id").loc[part.image_ids].reset_index()
