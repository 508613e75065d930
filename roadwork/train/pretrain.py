"""Train a head from nothing on the training images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from roadwork.data.row_order import check_order
from roadwork.errors import SamplingError
from roadwork.model.head import Head
from roadwork.model.head_config import HeadSpec
from roadwork.seeding import derive
from roadwork.train.features import FeatureTable
from roadwork.train.loop import Course, OnEpoch, train_head
from roadwork.train.not_finite import check_features
from roadwork.train.pretrain_config import PretrainConfig
from roadwork.train.run_digest import run_digest
from roadwork.train.sampler import near_share, weighted_order
from roadwork.train.setting import Setting
from roadwork.train.validation import require_both_classes
from roadwork.train.windows import in_windows


@dataclass(frozen=True)
class Pretraining:
    """Everything that determines the result."""

    table: FeatureTable
    sampling: pd.DataFrame  # the columns image_id, weight and distance_km of the training images
    near_km: float  # only for the reported share near a cluster
    spec: HeadSpec
    config: PretrainConfig
    setting: Setting

    @cached_property
    def digest(self) -> str:
        """The name of this run's work area; another configuration, data or seed has another."""
        numbers = self.sampling[["weight", "distance_km"]].to_numpy(dtype=np.float64)
        return run_digest(
            {
                "stage": "pretrain",
                "table": self.table.digest,
                "sampling": hashlib.sha256(numbers.tobytes()).hexdigest(),
                "near_km": self.near_km,
                "spec": self.spec.model_dump(mode="json"),
                "config": self.config.model_dump(mode="json"),
                **self.setting.parts,
            }
        )


class Pretrained(NamedTuple):
    """The head of the best epoch, on the CPU, and where it comes from."""

    head: Head
    details: dict[str, Any]  # for head.json
    metrics: dict[str, Any]  # the same without the history
    epochs_here: int  # trained by this process; the others an earlier one had left
    gradient_s: float  # seconds that this process spent in gradient steps


def pretrain(plan: Pretraining, *, area: Path, on_epoch: OnEpoch) -> Pretrained:
    """Train on split `train` with weighted draws, stop early on split `val`, keep the best epoch.

    Images without a label are left out. `area` and `on_epoch` are those of `train_head`. Raises SplitError where train
    or val lacks a class, StoreError where the sampling weights aren't those of the training images, and TrainingError.
    """
    train = plan.table.rows(plan.table.split == "train")
    weights, distance_km = _weights(plan.sampling, train)
    train = labelled(train)
    val = labelled(plan.table.rows(plan.table.split == "val"))
    require_both_classes(train, "split train", "add training images of the missing class")
    require_both_classes(val, "split val", "raise ingest.val_fraction, or add val images of the missing class")

    head = fresh_head(plan.spec, plan.setting.seed)
    check_features(train, where="before epoch 1")  # one NaN in a mean would spread to every image
    head.fit_standardisation(train.embeddings)
    course = Course(
        name="pretrain",
        lr=plan.config.lr,
        weight_decay=plan.config.weight_decay,
        epochs=plan.config.epochs,
        patience=plan.config.patience,
        warmup_steps=plan.config.warmup_steps,
        warmup_max_fraction=plan.config.warmup_max_fraction,
        order=lambda epoch: in_windows(
            weighted_order(weights, seed=plan.setting.seed, epoch=epoch),
            train.embeddings,
            window_images=plan.setting.train.window_images,
            seed=plan.setting.seed,
            epoch=epoch,
        ),
        near_share=lambda rows: near_share(distance_km[rows], plan.near_km),
        keep_start=False,
    )
    null = plan.spec.metadata.null_index("weather")
    trained = train_head(head, train, val, course, plan.setting, weather_null=null, area=area, on_epoch=on_epoch)
    metrics = {
        "best_epoch": trained.best.epoch,
        "epochs": trained.history[-1].epoch,
        "steps": trained.history[-1].steps,
        "val_mcc": trained.best.val_mcc_image_only,
        "val_mcc_with_metadata": trained.best.val_mcc_with_metadata,
        "val_loss": trained.best.val_loss,
        "val_threshold": trained.best.val_threshold,
        "train_images": len(train),
        "val_images": len(val),
        "parameters": sum(parameter.numel() for parameter in head.parameters()),
    }
    details = {
        **metrics,
        "history": [record.model_dump() for record in trained.history],
        **plan.setting.provenance(plan.table),
    }
    return Pretrained(head.cpu().eval(), details, metrics, len(trained.history) - trained.resumed, trained.gradient_s)


def fresh_head(spec: HeadSpec, seed: int) -> Head:
    """An untrained head on the CPU, a function of `spec` and `seed` alone; torch's generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(seed, "head"))
        return Head(spec)


def labelled(table: FeatureTable) -> FeatureTable:
    """The rows of `table` that have a label."""
    return table.rows((table.labels >= 0).numpy())


def _weights(sampling: pd.DataFrame, train: FeatureTable) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and distance in km [image] of the labelled training images."""
    check_order(
        sampling["image_id"].astype(str).tolist(),
        train.image_ids,
        where="data/sampling.parquet: image_id",
        stage="sampling",
    )
    known = (train.labels >= 0).numpy()
    weights = torch.from_numpy(sampling["weight"].to_numpy(dtype=np.float64)[known].copy())
    distance_km = torch.from_numpy(sampling["distance_km"].to_numpy(dtype=np.float64, na_value=np.nan)[known].copy())
    if not (weights.isfinite().all() and (weights >= 0).all() and weights.sum() > 0):
        raise SamplingError(
            "the sampling weights can't be drawn from",
            where="data/sampling.parquet: weight",
            rule="finite, none below 0, at least one above",
            fix="run `roadwork sampling` again; check sampling.weights and sampling.unknown_weight",
        )
    return weights, distance_km
