"""Stage `folds`: manifest to final splits, outer folds and inner validation parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.part import load_part
from pipeline.paths import FOLDS, MANIFEST, PARAMS
from roadwork.config import load_seed
from roadwork.data.fold_summary import fold_summary
from roadwork.data.folds import make_folds
from roadwork.data.folds_config import CarveConfig, FoldsConfig
from roadwork.data.manifest import read_manifest
from roadwork.progress import note
from roadwork.publish import published_file


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `data/folds.parquet`; returns the image counts of every split and fold."""
    config = load_part(params, "finetune", FoldsConfig)
    carve = load_part(params, "ingest", CarveConfig)
    frame = read_manifest(MANIFEST).frame
    divided = make_folds(
        frame,
        folds=config.folds,
        inner_val_fraction=config.inner_val_fraction,
        val_fraction=carve.val_fraction,
        radius_m=carve.group_radius_m,
        seed=load_seed(params),
    )
    summary = fold_summary(frame, divided)
    if summary["train_images_in_test_blocks"]:
        note(
            f"warning: {summary['train_images_in_test_blocks']} train or val images share a group or place with test "
            "images, because the source divides them so"
        )
    with published_file(FOLDS) as aside:
        divided.to_parquet(aside, index=False)
    return summary
