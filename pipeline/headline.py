"""Stage `headline`: calibrate what the pretrained head said of images it was not fitted to; score it on test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.known_head import data_of_now, known_head
from pipeline.part import load_part
from pipeline.paths import HEADLINE_METRICS, PARAMS, PREDICTIONS, PRETRAINED
from roadwork.config import load_seed
from roadwork.data.table_file import read_table_file
from roadwork.evaluate.config import IntervalConfig
from roadwork.evaluate.headline import headline
from roadwork.evaluate.score_table import short_table
from roadwork.publish import published_file, write_json
from roadwork.train import head_folder
from roadwork.train.head_folder import file_beside


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `models/predictions.parquet` and `metrics/headline.json`; returns the metrics."""
    intervals = load_part(params, "evaluate", IntervalConfig)
    head = known_head(data_of_now())
    answers = read_table_file(
        file_beside(PRETRAINED, head.details, head_folder.PREDICTIONS, stage="pretrain"), stage="pretrain"
    )
    found = headline(answers, intervals.resampling(load_seed(params)), head_sha256=head.weights_sha256)
    with published_file(PREDICTIONS) as aside:
        found.predictions.to_parquet(aside, index=False)
    write_json(HEADLINE_METRICS, found.metrics)
    return found.metrics


def describe(metrics: dict[str, Any]) -> str:
    """The rows of test as the table that people read."""
    rows = {"image_only": "test, image only (headline)", "with_metadata": "test, with metadata"}
    return short_table({title: metrics["test"][mode] for mode, title in rows.items()})
