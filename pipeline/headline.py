"""Stage `headline`: what the pretrained head says of the images it was not fitted to, and how good that is on test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.part import load_part
from pipeline.paths import FOLDS, HEADLINE_METRICS, IMAGE_STORE, MANIFEST, PARAMS, PREDICTIONS, PRETRAINED, TEXT_STORE
from roadwork.config import load_section, load_seed
from roadwork.device import resolve_device
from roadwork.evaluate.config import IntervalConfig
from roadwork.evaluate.headline import headline
from roadwork.evaluate.margins import head_margins
from roadwork.publish import published_file, write_json
from roadwork.train.checkpoint import DESCRIPTION, WEIGHTS, file_sha256, load_head
from roadwork.train.config import TrainConfig
from roadwork.train.features import load_features
from roadwork.train.provenance import TrainedOn, check_trained_on


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `models/predictions.parquet` and `metrics/headline.json`; returns the metrics."""
    intervals = load_part(params, "evaluate", IntervalConfig)
    device = resolve_device(load_section(params, "train", TrainConfig).device, parameter="train.device")
    head, spec, details = load_head(PRETRAINED)
    table = load_features(IMAGE_STORE, TEXT_STORE, MANIFEST, FOLDS, spec.metadata)
    check_trained_on(
        TrainedOn.from_details(details),
        TrainedOn.from_table(table),
        model="the pretrained head",
        where=str(PRETRAINED / DESCRIPTION),
        fix="run `roadwork pretrain` again",
    )
    resampling = intervals.resampling(load_seed(params))
    digest = file_sha256(PRETRAINED / WEIGHTS)
    found = headline(table, head_margins(head, device), resampling, head_sha256=digest)
    with published_file(PREDICTIONS) as aside:
        found.predictions.to_parquet(aside, index=False)
    write_json(HEADLINE_METRICS, found.metrics)
    return found.metrics
