"""The scorecard: everything that may be claimed of a run, each row beside its interval and its baselines.

Headline: the pretrained head on test with the metadata hidden. Then the same with metadata; then the heads after
fine-tuning, out of fold ("adapted to the test distribution"), beside the pretrained head on the same images with the
same cross-fitting; then the ensemble, on a holdout that nothing was fitted to, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from roadwork.evaluate.baseline_table import CITY, baseline_rows
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.calibration import Calibration
from roadwork.evaluate.calibration_evidence import calibration_evidence
from roadwork.evaluate.config import ScorecardConfig
from roadwork.evaluate.headline import calibrations_of, predictions_of
from roadwork.evaluate.modes import MODES
from roadwork.evaluate.oof import out_of_fold, unadapted
from roadwork.evaluate.plots import Points, plot_data
from roadwork.evaluate.score import Predictions, difference_row, score_row
from roadwork.evaluate.subgroups import Cities, subgroups
from roadwork.evaluate.unseen import unseen_images

OOF_LABEL = "adapted to the test distribution"
NO_HOLDOUT = "not measurable on this data"

_OOF_ROWS = {"image_only": "oof", "with_metadata": "oof_with_metadata"}
_HOLDOUT_ROWS = {"image_only": "holdout", "with_metadata": "holdout_with_metadata"}


@dataclass(frozen=True)
class Scored:
    """What is to be scored: the results of the stages before, all of the images of one manifest.

    `frame` is the manifest's, `divided` the table of folds, row by row of the same images. `predictions` and `headline`
    are those of stage `headline`, `oof` the gathered out-of-fold predictions, `holdout` and `calibrations` the
    bundle's, `baselines` and `without_head` the table and the metrics of stage `baselines`.
    """

    frame: pd.DataFrame
    divided: pd.DataFrame
    predictions: pd.DataFrame
    headline: Mapping[str, Any]
    oof: pd.DataFrame
    holdout: pd.DataFrame
    calibrations: Mapping[str, Calibration]
    baselines: pd.DataFrame
    without_head: Mapping[str, Any]


@dataclass(frozen=True)
class Evaluation:
    """The scorecard, and the points of the curves by the name of their file."""

    scorecard: dict[str, Any]
    plots: dict[str, Points]


def evaluate(run: Scored, config: ScorecardConfig, *, seed: int) -> Evaluation:
    """The scorecard of a run. Images without a label are left out everywhere; `unlabelled` counts them."""
    resampling = config.resampling(seed)
    unseen = unseen_images(run.frame, run.divided)
    ids = unseen.loc[unseen["split"] == "test", "image_id"]
    test, baselines = _rows_of(run.predictions, ids), _rows_of(run.baselines, ids)
    headline = predictions_of(test, "test", "image_only", calibrations_of(run.headline)["image_only"])
    oof = _out_of_fold(run, resampling)
    card: dict[str, Any] = {
        "confidence": config.confidence,
        "resamples": config.resamples,
        "unlabelled": {
            split: run.divided["split"].tolist().count(split) - unseen["split"].tolist().count(split)
            for split in ("test", "holdout")
        },
        "test": dict(run.headline["test"]),
    }
    card |= oof.rows
    card |= _holdout(run.holdout, run.calibrations, resampling)
    card["baselines"] = baseline_rows(baselines, run.without_head, headline, resampling)
    card["leak_audit"] = run.without_head["leak_audit"]
    card["duplicates"] = run.without_head["duplicates"]
    cities = Cities(run.without_head["cities"], [None if pd.isna(name) else name for name in baselines[CITY]])
    card["subgroups"] = subgroups(headline, _rows_of(run.frame, ids), cities, config.size_bands_megapixels, resampling)
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


def _holdout(holdout: pd.DataFrame, calibrations: Mapping[str, Calibration], resampling: Resampling) -> dict[str, Any]:
    if not len(holdout):
        return {"holdout": None, "holdout_with_metadata": None, "holdout_note": NO_HOLDOUT}
    rows = {}
    for mode in MODES:
        found = predictions_of(holdout, "holdout", mode, calibrations[mode])
        rows[_HOLDOUT_ROWS[mode]] = score_row(found, resampling)
    return rows


def _rows_of(frame: pd.DataFrame, image_ids: pd.Series) -> pd.DataFrame:
    """The rows of a table with a column `image_id` that are of `image_ids`, in their order."""
    return frame.set_index("image_id").loc[image_ids].reset_index()
