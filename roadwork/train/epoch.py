"""One pass over the training images: forward, backward, accumulate, clip, step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from roadwork.errors import TrainingError
from roadwork.model.head import Head
from roadwork.train.compilation import Forward
from roadwork.train.config import TrainConfig
from roadwork.train.features import FeatureTable
from roadwork.train.losses import LossConfig, LossParts, total
from roadwork.train.sampler import batch_groups

_NAMED = 8  # image ids in an error message


@dataclass(frozen=True)
class Trainer:
    """What stays the same from epoch to epoch. `table` and `head` are on one device."""

    head: Head
    forward: Forward
    optimizer: AdamW
    table: FeatureTable
    config: TrainConfig
    loss: LossConfig
    weather_null: int
    lr: Callable[[int], float]  # learning rate at an optimizer step, counted from 0


def train_epoch(trainer: Trainer, order: Tensor, *, epoch: int, first_step: int) -> LossParts:
    """Train on the rows `order [image]` of the table; returns the image-weighted means of the loss parts.

    Each group of `accumulation` batches makes one step of the mean gradient over the group's images: a batch counts by
    its share of the group, also in a smaller last group. (The weather loss is a mean over the known images of a batch.)
    Raises TrainingError, before the step is taken, when a loss or the gradient isn't finite.
    """
    trainer.head.train()
    device = trainer.table.labels.device
    sums = torch.zeros(len(LossParts._fields), dtype=torch.float64, device=device)
    groups = batch_groups(order.to(device), trainer.config.batch_size, trainer.config.accumulation)
    for number, group in enumerate(groups):
        for param_group in trainer.optimizer.param_groups:
            param_group["lr"] = trainer.lr(first_step + number)
        sums += _step(trainer, group, where=f"epoch {epoch}, optimizer step {first_step + number + 1}")
    return LossParts(*(sums / len(order)).unbind())


def _step(trainer: Trainer, group: list[Tensor], *, where: str) -> Tensor:
    """One optimizer step on the batches `group`; returns the loss parts summed over its images [part]."""
    images = sum(len(rows) for rows in group)
    sums = torch.zeros(len(LossParts._fields), dtype=torch.float64, device=group[0].device)
    trainer.optimizer.zero_grad(set_to_none=True)
    for rows in group:
        parts = _loss(trainer, rows)
        (parts.total * (len(rows) / images)).backward()
        sums += torch.stack([part.detach().double() for part in parts]) * len(rows)
    norm = nn.utils.clip_grad_norm_(trainer.head.parameters(), trainer.config.clip_norm)
    if not torch.isfinite(norm + sums.sum()):
        raise _not_finite(trainer, torch.cat(group), where, loss=float(sums[0]) / images, norm=float(norm))
    trainer.optimizer.step()
    return sums


def _loss(trainer: Trainer, rows: Tensor) -> LossParts:
    table, device = trainer.table, rows.device
    metadata = table.metadata.index(rows)
    with torch.autocast(device.type, torch.bfloat16, enabled=trainer.config.precision == "bf16"):
        output = trainer.forward(table.embeddings.index_select(0, rows).float(), metadata)
    labels = table.labels.index_select(0, rows)
    return total(output, labels, metadata.weather, null_index=trainer.weather_null, config=trainer.loss)


def _not_finite(trainer: Trainer, rows: Tensor, where: str, *, loss: float, norm: float) -> TrainingError:
    """The error, naming the images whose features are at fault, or else all of the step's."""
    bad = ~trainer.table.embeddings.index_select(0, rows).isfinite().flatten(1).all(dim=1)
    named = rows[bad] if bad.any() else rows
    ids = [trainer.table.image_ids[row] for row in dict.fromkeys(named.tolist())]
    listed = ", ".join(ids[:_NAMED]) + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")
    return TrainingError(
        f"the numbers went wrong: loss {loss:g}, gradient norm {norm:g}",
        where=f"{where}, images {listed}",
        rule="loss and gradient are finite; the state after the last good epoch is kept",
        fix="run `roadwork embed_images` again: these features aren't finite"
        if bad.any()
        else "lower the learning rate, or set train.precision to fp32",
    )
