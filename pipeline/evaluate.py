"""Stage `evaluate`: score everything that may be claimed, beside its baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from roadwork.bundle.description import DESCRIPTION as BUNDLE_DESCRIPTION
from roadwork.bundle.load import head_margins, load_bundle
from roadwork.config import load_section, load_seed
from roadwork.data.table_file import read_table_file
from roadwork.device import resolve_device
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.oof import check_oof
from roadwork.evaluate.plots import plot_data
from roadwork.evaluate.score_table import score_table
from roadwork.evaluate.scorecard import evaluate, labelled
from roadwork.publish import write_json
from roadwork.train.checkpoint import DESCRIPTION as HEAD_DESCRIPTION
from roadwork.train.checkpoint import load_head
from roadwork.train.config import TrainConfig
from roadwork.train.features import load_features
from roadwork.train.provenance import TrainedOn, check_trained_on


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `metrics/evaluate.json` and the curves in `metrics/plots/`; returns the scorecard."""
    config = load_section(params, "evaluate", EvaluateConfig)
    device = resolve_device(load_section(params, "train", TrainConfig).device, parameter="train.device")
    head, spec, details = load_head(PRETRAINED)
    bundle = load_bundle(BUNDLE)
    oof = read_table_file(OOF_PREDICTIONS, stage="ensemble")
    table = load_features(IMAGE_STORE, TEXT_STORE, MANIFEST, FOLDS, spec.metadata)
    now = TrainedOn.from_table(table)
    check_trained_on(
        TrainedOn.from_details(details),
        now,
        model="the pretrained head",
        where=str(PRETRAINED / HEAD_DESCRIPTION),
        fix="run `roadwork pretrain` again, then `roadwork finetune` and `roadwork ensemble`",
    )
    check_trained_on(
        TrainedOn(bundle.description.feature_fingerprint, bundle.description.training_data_digest),
        now,
        model="the bundle",
        where=str(BUNDLE / BUNDLE_DESCRIPTION),
        fix="run `roadwork finetune` for every fold again, then `roadwork ensemble`",
    )
    check_oof(oof, labelled(table, "test"), where=f"{OOF_PREDICTIONS}: image_id, label")
    result = evaluate(
        table,
        head_margins(head, device),
        bundle.members(device),
        dict(bundle.description.calibrations),
        oof,
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
