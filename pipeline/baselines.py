"""Stage `baselines`: all of the scorecard that no head has a part in, from the cached features and the metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.inputs import Inputs
from pipeline.part import load_part
from pipeline.paths import (
    BASELINES,
    BASELINES_METRICS,
    FOLDS,
    IMAGE_STORE,
    INGEST_METRICS,
    MANIFEST,
    PARAMS,
    TEXT_STORE,
)
from roadwork.config import load_section, load_seed
from roadwork.data.manifest import read_manifest
from roadwork.evaluate.cautions import duplicate_warnings, leak_warnings
from roadwork.evaluate.config import BaselinesConfig
from roadwork.evaluate.without_head import without_head
from roadwork.model.metadata_config import MetadataConfig
from roadwork.publish import published_file, write_json
from roadwork.train.features import load_features


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `models/baselines.parquet` and `metrics/baselines.json`; returns the metrics."""
    config = load_part(params, "evaluate", BaselinesConfig)
    metadata = load_section(params, "metadata", MetadataConfig)
    inputs = Inputs()
    duplicates = inputs.json(INGEST_METRICS, "ingest")["duplicates"]
    table = load_features(IMAGE_STORE, TEXT_STORE, MANIFEST, FOLDS, metadata)
    frame = read_manifest(MANIFEST).frame
    found = without_head(table, frame, duplicates, metadata, config, seed=load_seed(params))
    with published_file(BASELINES) as aside:
        found.table.to_parquet(aside, index=False)
    inputs.present(BASELINES, "baselines")
    made = {"data_digest": table.digest, "table_sha256": inputs.digests[BASELINES.as_posix()]}
    metrics = made | found.metrics
    write_json(BASELINES_METRICS, metrics)
    return metrics


def describe(metrics: dict[str, Any]) -> str:
    """What a reader must know before any score of a head."""
    warnings = leak_warnings(metrics["leak_audit"]) + duplicate_warnings(metrics["duplicates"])
    return "\n".join(
        [f"{len(metrics['baselines'])} baselines fitted", *(f"\nwarning: {warning}" for warning in warnings)]
    )
