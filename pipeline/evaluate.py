"""Stage `evaluate`: score everything that may be claimed, beside its baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.paths import (
    BUNDLE,
    EVALUATE_METRICS,
    FOLDS,
    IMAGE_STORE,
    MANIFEST,
    OOF_PREDICTIONS,
    PARAMS,
    PLOTS,
    PRETRAINED,
    TEXT_STORE,
)
from roadwork.bundle.load import head_margins, load_bundle
from roadwork.config import load_section, load_seed
from roadwork.device import resolve_device
from roadwork.errors import DataError
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.plots import plot_data
from roadwork.evaluate.score_table import score_table
from roadwork.evaluate.scorecard import evaluate
from roadwork.publish import write_json
from roadwork.train.checkpoint import load_head
from roadwork.train.config import TrainConfig
from roadwork.train.features import load_features


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `metrics/evaluate.json` and the curves in `metrics/plots/`; returns the scorecard."""
    config = load_section(params, "evaluate", EvaluateConfig)
    device = resolve_device(load_section(params, "train", TrainConfig).device, parameter="train.device")
    head, spec, _ = load_head(PRETRAINED)
    bundle = load_bundle(BUNDLE)
    if not OOF_PREDICTIONS.is_file():
        raise DataError(
            "there are no out-of-fold predictions", where=str(OOF_PREDICTIONS), fix="run `roadwork ensemble`"
        )
    result = evaluate(
        load_features(IMAGE_STORE, TEXT_STORE, MANIFEST, FOLDS, spec.metadata),
        head_margins(head, device),
        bundle.members(device),
        dict(bundle.description.calibrations),
        pd.read_parquet(OOF_PREDICTIONS),
        config,
        spec.metadata,
        seed=load_seed(params),
    )
    for name, points in plot_data(result.headline).items():
        write_json(PLOTS / f"{name}.json", points)
    write_json(EVALUATE_METRICS, result.scorecard)
    return result.scorecard


def describe(scorecard: dict[str, Any]) -> str:
    """The scorecard as the table that people read."""
    return score_table(scorecard)
