"""Stage `finetune`: adapt the pretrained head to all test folds but one, and predict that one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.paths import FINETUNE_LIVE, FINETUNE_METRICS, FINETUNED, PARAMS
from pipeline.pretrained import open_pretrained
from roadwork.cache_root import cache_root
from roadwork.config import load_section, load_seed
from roadwork.device import resolve_device
from roadwork.errors import ParameterError
from roadwork.publish import published_folder, write_json
from roadwork.train.checkpoint import save_head
from roadwork.train.config import TrainConfig
from roadwork.train.finetune import PREDICTIONS, Finetuning, finetune
from roadwork.train.finetune_config import FinetuneConfig
from roadwork.train.live import live_curves
from roadwork.train.loss_config import LossConfig
from roadwork.train.resume import work_area
from roadwork.train.setting import Setting
from roadwork.views.geometry import ViewsConfig, view_names


def run(fold: int, params: Path = PARAMS) -> dict[str, Any]:
    """Write `models/finetuned/<fold>/`, the fold's metrics and live curves; returns the metrics.

    The head's shape and the metadata it uses are those of the pretrained head.
    """
    config = load_section(params, "finetune", FinetuneConfig)
    if fold not in config.folds:
        raise ParameterError(
            f"there is no fold {fold}",
            where=f"{params}: finetune.folds",
            rule="a fold that finetune.folds lists",
            fix=f"name one of {', '.join(map(str, config.folds))}",
        )
    train = load_section(params, "train", TrainConfig)
    names = view_names(load_section(params, "views", ViewsConfig).grid)
    pretrained = open_pretrained(views=len(names))
    plan = Finetuning(
        table=pretrained.table,
        fold=fold,
        head=pretrained.head,
        spec=pretrained.spec,
        weights_sha256=pretrained.weights_sha256,
        config=config,
        setting=Setting(
            train=train,
            loss=load_section(params, "loss", LossConfig),
            seed=train.training_seed(load_seed(params)),
            device=resolve_device(train.device, parameter="train.device"),
        ),
    )
    live = live_curves(FINETUNE_LIVE / str(fold), names)
    with work_area(cache_root() / "training", plan.digest) as area, live as log:
        member = finetune(plan, area=area, on_epoch=log)
        with published_folder(FINETUNED / str(fold)) as folder:
            save_head(folder, member.head, member.spec, member.details)
            member.predictions.to_parquet(folder / PREDICTIONS, index=False)
        write_json(FINETUNE_METRICS / f"{fold}.json", member.metrics)
    return member.metrics
