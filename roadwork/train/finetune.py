"""Adapt the pretrained head to one outer fold of the test split, without ever looking at that fold's labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadwork.errors import ParameterError
from roadwork.model.head import Head
from roadwork.model.head_config import HeadSpec
from roadwork.train.checkpoint import build_head
from roadwork.train.features import FeatureTable
from roadwork.train.finetune_config import FinetuneConfig
from roadwork.train.inference import answers, margins, margins_of
from roadwork.train.loop import Course, OnEpoch, train_head
from roadwork.train.sampler import shuffled_order
from roadwork.train.setting import Setting
from roadwork.train.validation import require_both_classes
from roadwork.train.windows import in_windows


@dataclass(frozen=True)
class Finetuning:
    """Everything that determines the result."""

    table: FeatureTable
    fold: int
    head: Head  # the pretrained one; it is not changed
    spec: HeadSpec
    weights_sha256: str  # of the pretrained head
    config: FinetuneConfig
    setting: Setting


class Finetuned(NamedTuple):
    """The member of one fold, on the CPU, its predictions for that fold, and where it comes from."""

    head: Head
    spec: HeadSpec
    predictions: pd.DataFrame  # image_id, label, block, fold, margin_image_only, margin_with_metadata
    details: dict[str, Any]  # for head.json
    metrics: dict[str, Any]  # the same without the history
    epochs_here: int  # trained by this process; the others an earlier one had left
    gradient_s: float  # seconds that this process spent in gradient steps


def finetune(plan: Finetuning, *, area: Path, on_epoch: OnEpoch) -> Finetuned:
    """Train from the pretrained head on the fold's `train` images, choose the epoch on its inner `val` images.

    The unchanged head competes as epoch 0, so a member is never worse on inner validation than what it started from.
    Every image is used once per epoch, unweighted; the learning rate falls from its start by a half cosine. The outer
    fold is predicted after all choices are made. Raises ParameterError for an unknown fold, SplitError where a part
    lacks a class, and TrainingError.
    """
    role = _roles(plan)
    table = plan.table
    train, val, outer = (table.rows(role == part) for part in ("train", "val", "test"))
    fix = "lower the number of finetune.folds, or change finetune.inner_val_fraction"
    require_both_classes(train, f"training part of fold {plan.fold}", fix)
    require_both_classes(val, f"inner validation part of fold {plan.fold}", fix)

    spec = plan.spec.model_copy(update={"head": plan.spec.head.model_copy(update={"dropout": plan.config.dropout})})
    head = build_head(spec, plan.head.state_dict())
    seed = plan.setting.seed
    course = Course(
        name=f"finetune fold {plan.fold}",
        lr=plan.config.lr,
        weight_decay=plan.config.weight_decay,
        epochs=plan.config.epochs,
        patience=plan.config.patience,
        warmup_steps=0,
        warmup_max_fraction=0.0,
        order=lambda epoch: in_windows(
            shuffled_order(len(train), seed=seed, epoch=epoch),
            train.embeddings,
            window_images=plan.setting.train.window_images,
            seed=seed,
            epoch=epoch,
        ),
        near_share=lambda rows: None,
        keep_start=True,
    )
    null = spec.metadata.null_index("weather")
    trained = train_head(head, train, val, course, plan.setting, weather_null=null, area=area, on_epoch=on_epoch)
    before, best = trained.history[0], trained.best
    predictions = _predictions(head, outer, plan)
    metrics = {
        "fold": plan.fold,
        "best_epoch": best.epoch,
        "epochs": trained.history[-1].epoch,
        "steps": trained.history[-1].steps,
        "inner_val_mcc": best.val_mcc_image_only,
        "inner_val_mcc_with_metadata": best.val_mcc_with_metadata,
        "inner_val_loss": best.val_loss,
        "inner_val_mcc_before": before.val_mcc_image_only,
        "inner_val_mcc_with_metadata_before": before.val_mcc_with_metadata,
        "inner_val_loss_before": before.val_loss,
        "weight_change_norm": weight_change(plan.head.state_dict(), head.state_dict()),
        "flipped_predictions": _flipped(plan, outer, predictions, before.val_threshold),
        "train_images": len(train),
        "inner_val_images": len(val),
        "outer_images": len(outer),
    }
    details = {
        **metrics,
        "pretrained_sha256": plan.weights_sha256,
        "history": [record.model_dump() for record in trained.history],
        **plan.setting.provenance(table),
    }
    epochs_here = len(trained.history) - trained.resumed
    return Finetuned(head.cpu().eval(), spec, predictions, details, metrics, epochs_here, trained.gradient_s)


def weight_change(before: dict[str, Tensor], after: dict[str, Tensor]) -> float:
    """Norm of the difference of all weights, as a share of the norm of those before."""

    def norm(weights: Iterable[Tensor]) -> float:
        return float(torch.stack([weight.square().sum() for weight in weights]).sum().sqrt())

    old, new = ({name: weight.detach().cpu().double() for name, weight in state.items()} for state in (before, after))
    return norm(new[name] - old[name] for name in old) / norm(old.values())


def _roles(plan: Finetuning) -> NDArray[np.str_]:
    """Role of each image in the fold [image]."""
    folds = plan.table.roles.shape[1]
    if not 0 <= plan.fold < folds:
        raise ParameterError(
            f"there is no fold {plan.fold}",
            where="params.yaml: finetune.folds",
            rule=f"data/folds.parquet holds the folds 0 to {folds - 1}",
            fix="name one of these, or change finetune.folds and run `roadwork folds` again",
        )
    return plan.table.roles[:, plan.fold]


def _predictions(head: Head, outer: FeatureTable, plan: Finetuning) -> pd.DataFrame:
    setting = plan.setting
    found = answers(head, outer, batch_size=setting.train.batch_size, device=setting.device)
    labels = pd.array(outer.labels.numpy(), dtype="Int8")
    labels[outer.labels.numpy() < 0] = pd.NA
    return pd.DataFrame(
        {
            "image_id": outer.image_ids,
            "label": labels,
            "block": outer.block.astype(np.int32),
            "fold": pd.array([plan.fold] * len(outer), dtype="Int8"),
            "margin_image_only": margins_of(found.image_only),
            "margin_with_metadata": margins_of(found.with_metadata),
        }
    )


def _flipped(plan: Finetuning, outer: FeatureTable, predictions: pd.DataFrame, threshold: float) -> int:
    """Images of the outer fold that fine-tuning decides otherwise (metadata hidden, no labels involved).

    Both heads decide at the pretrained head's best threshold on inner validation.
    """
    setting = plan.setting
    before = margins(plan.head, outer, hide_metadata=True, batch_size=setting.train.batch_size, device=setting.device)
    after = predictions["margin_image_only"].to_numpy()
    return int(((before >= threshold) != (after >= threshold)).sum())
