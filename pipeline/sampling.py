"""Stage `sampling`: a weight for every training image, by its distance to the reference regions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.part import load_part
from pipeline.paths import FOLDS, MANIFEST, PARAMS, SAMPLING, SAMPLING_METRICS, SAMPLING_PICTURE
from roadwork.config import load_section, load_seed
from roadwork.data.manifest import read_manifest
from roadwork.data.sampling_config import BatchConfig, SamplingConfig
from roadwork.data.sampling_picture import write_sampling_picture
from roadwork.data.sampling_plan import plan_sampling
from roadwork.data.table_file import read_table_file
from roadwork.progress import note
from roadwork.publish import published_file, write_json


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `data/sampling.parquet`, `metrics/sampling.json` and the picture; returns the metrics.

    Nothing is written where the gate fails: its message carries the numbers.
    """
    config = load_section(params, "sampling", SamplingConfig)
    batch = load_part(params, "train", BatchConfig)
    plan = plan_sampling(
        read_manifest(MANIFEST).frame,
        read_table_file(FOLDS, stage="folds"),
        config,
        batch_size=batch.batch_size,
        seed=load_seed(params),
    )
    for warning in plan.warnings():
        note(f"warning: {warning}")
    with published_file(SAMPLING) as aside:
        plan.table.to_parquet(aside, index=False)
    write_json(SAMPLING_METRICS, plan.metrics)
    with published_file(SAMPLING_PICTURE) as aside:
        write_sampling_picture(aside, plan, config)
    return plan.metrics
