"""Stage `finetune`: adapt the pretrained head to all test folds but one, and predict that one.

The stage of the first fold trains the other folds too, each exactly as it would be trained alone: what takes seconds to
load is loaded once. The other stages find their fold finished and publish it, without torch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.finetune_receipt import write_receipt
from pipeline.finetune_run import read_finetune_run
from pipeline.paths import FINETUNE_LIVE, FINETUNE_METRICS, FINETUNE_TIMING, FINETUNED, PARAMS
from roadwork.cache_root import local_root
from roadwork.config import load_section
from roadwork.errors import ParameterError
from roadwork.publish import published_folder, write_json
from roadwork.train.finetune_config import FinetuneConfig
from roadwork.train.finished import CURVES, HEAD, METRICS, TIMING, copy_files, finished
from roadwork.train.work_area import work_area


def run(fold: int, params: Path = PARAMS) -> dict[str, Any]:
    """Write `models/finetuned/<fold>/`, the fold's metrics, their timing and live curves; returns the metrics.

    The head's shape and the metadata it uses are those of the pretrained head.
    """
    folds = load_section(params, "finetune", FinetuneConfig).folds
    if fold not in folds:
        raise ParameterError(
            f"there is no fold {fold}",
            where=f"{params}: finetune.folds",
            rule="a fold that finetune.folds lists",
            fix=f"name one of {', '.join(map(str, folds))}",
        )
    asked = read_finetune_run(params)
    digest, root, trainer = asked.digest(fold), local_root() / "training", None
    with work_area(root, digest) as area:
        result = finished(area)
        if result is None:
            from pipeline.finetune_folds import FoldTrainer  # torch

            trainer = FoldTrainer(asked)
            result = trainer.train_own(fold, area)
        metrics = _publish(result, fold)
        write_receipt(fold, digest)
        # The own result stays until all is done: whoever is killed meanwhile only publishes it again.
        if trainer is not None and asked.config.together:
            trainer.train_others(fold, root)
    return metrics


def _publish(result: Path, fold: int) -> dict[str, Any]:
    """Copy the parts of the finished `result` to where they belong."""
    for part, place in ((HEAD, FINETUNED / str(fold)), (CURVES, FINETUNE_LIVE / str(fold))):
        with published_folder(place) as folder:
            copy_files(result / part, folder)
    metrics, took = (json.loads((result / name).read_text(encoding="utf-8")) for name in (METRICS, TIMING))
    write_json(FINETUNE_METRICS / f"{fold}.json", metrics)
    write_json(FINETUNE_TIMING / f"{fold}.json", took)
    return metrics
