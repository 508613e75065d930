"""Stage `pretrain`: train the head on the training images' cached features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from pipeline.part import load_part
from pipeline.paths import (
    FOLDS,
    IMAGE_STORE,
    MANIFEST,
    PARAMS,
    PRETRAIN_LIVE,
    PRETRAIN_METRICS,
    PRETRAINED,
    SAMPLING,
    TEXT_STORE,
    TIMING,
)
from roadwork.cache_root import local_root
from roadwork.config import load_section, load_seed
from roadwork.data.table_file import read_table_file
from roadwork.device import resolve_device
from roadwork.evaluate.answers import labelled, unseen_margins
from roadwork.evaluate.margins import head_margins
from roadwork.evidence.uncalibrated import uncalibrated_table
from roadwork.model.head import Head
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata_config import MetadataConfig
from roadwork.publish import published_folder, write_json
from roadwork.train.checkpoint import save_head
from roadwork.train.config import TrainConfig
from roadwork.train.features import load_features
from roadwork.train.head_folder import EVIDENCE, PREDICTIONS
from roadwork.train.live import live_curves
from roadwork.train.loss_config import LossConfig
from roadwork.train.pretrain import Pretraining, pretrain
from roadwork.train.pretrain_config import NearConfig, PretrainConfig
from roadwork.train.setting import Setting
from roadwork.train.timing import timing
from roadwork.train.work_area import work_area
from roadwork.views.geometry import ViewsConfig, view_names


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `models/pretrained/`, its metrics, their timing and the live curves; returns the metrics.

    The folder holds the head and what it says of images that it wasn't fitted to, with and without each view: here
    head, features and PyTorch are at hand, which the stages that score these answers can then do without.
    """
    metadata = load_section(params, "metadata", MetadataConfig)
    train = load_section(params, "train", TrainConfig)
    names = view_names(load_section(params, "views", ViewsConfig).grid)
    table = load_features(
        IMAGE_STORE,
        TEXT_STORE,
        MANIFEST,
        FOLDS,
        metadata,
        views=len(names),
        features=train.features,
        window_images=train.window_images,
        chunk_cache_gigabytes=train.chunk_cache_gigabytes,
    )
    plan = Pretraining(
        table=table,
        sampling=read_table_file(SAMPLING, stage="sampling"),
        near_km=load_part(params, "sampling", NearConfig).near_km,
        spec=HeadSpec(
            head=load_section(params, "head", HeadConfig),
            metadata=metadata,
            embedding_dim=table.embeddings.shape[2],
            views=table.embeddings.shape[1],
        ),
        config=load_section(params, "pretrain", PretrainConfig),
        setting=Setting(
            train=train,
            loss=load_section(params, "loss", LossConfig),
            seed=train.training_seed(load_seed(params)),
            device=resolve_device(train.device, parameter="train.device"),
        ),
    )
    with work_area(local_root() / "training", plan.digest) as area, live_curves(PRETRAIN_LIVE, names) as log:
        start = perf_counter()
        trained = pretrain(plan, area=area, on_epoch=log)
        seconds = perf_counter() - start
        with published_folder(PRETRAINED) as folder:
            _write_answers(folder, trained.head, plan, names)
            beside = (PREDICTIONS, EVIDENCE)
            head_sha256 = save_head(folder, trained.head, plan.spec, trained.details, beside=beside)
        metrics = trained.metrics | {"head_sha256": head_sha256}
        write_json(PRETRAIN_METRICS, metrics)
        write_json(TIMING, timing(seconds, trained.gradient_s, trained.epochs_here, plan.setting.device))
    return metrics


def _write_answers(folder: Path, head: Head, plan: Pretraining, names: Sequence[str]) -> None:
    device = plan.setting.device
    answers = unseen_margins(plan.table, head_margins(head, device))
    answers.to_parquet(folder / PREDICTIONS, index=False)
    evidence = uncalibrated_table(labelled(plan.table, "test"), head, names, device=device)
    evidence.to_parquet(folder / EVIDENCE, index=False)
