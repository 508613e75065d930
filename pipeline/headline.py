"""Stage `headline`: what the pretrained head says of the images it was not fitted to, and how good that is on test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.part import load_part
from pipeline.paths import HEADLINE_METRICS, PARAMS, PREDICTIONS
from pipeline.pretrained import open_pretrained
from roadwork.config import load_section, load_seed
from roadwork.device import resolve_device
from roadwork.evaluate.config import IntervalConfig
from roadwork.evaluate.headline import headline
from roadwork.evaluate.margins import head_margins
from roadwork.evaluate.score_table import short_table
from roadwork.publish import published_file, write_json
from roadwork.train.config import TrainConfig


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `models/predictions.parquet` and `metrics/headline.json`; returns the metrics."""
    intervals = load_part(params, "evaluate", IntervalConfig)
    device = resolve_device(load_section(params, "train", TrainConfig).device, parameter="train.device")
    pretrained = open_pretrained()
    found = headline(
        pretrained.table,
        head_margins(pretrained.head, device),
        intervals.resampling(load_seed(params)),
        head_sha256=pretrained.weights_sha256,
    )
    with published_file(PREDICTIONS) as aside:
        found.predictions.to_parquet(aside, index=False)
    write_json(HEADLINE_METRICS, found.metrics)
    return found.metrics


def describe(metrics: dict[str, Any]) -> str:
    """The rows of test as the table that people read."""
    rows = {"image_only": "test, image only (headline)", "with_metadata": "test, with metadata"}
    return short_table({title: metrics["test"][mode] for mode, title in rows.items()})
