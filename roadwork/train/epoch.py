"""One pass over the training images: forward, backward, accumulate, clip, step."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from roadwork.train.losses import LossParts
from roadwork.train.not_finite import Place, check_weights, place_of, step_error
from roadwork.train.sampler import batch_groups
from roadwork.train.trainer import Trainer


def train_epoch(trainer: Trainer, order: Tensor, *, epoch: int, first_step: int) -> LossParts:
    """Train on the rows `order [image]` of the table; returns the image-weighted means of the loss parts.

    Each group of `accumulation` batches makes one step of the mean gradient over the group's images: a batch counts by
    its share of the group, also in a smaller last group. (The weather loss is a mean over the known images of a batch.)
    Raises TrainingError, before the step is taken, when a loss or the gradient isn't finite: one wait for the device a
    step. A step that breaks the weights is noticed at the next one, or after the last.
    """
    trainer.head.train()
    device = trainer.table.labels.device
    config = trainer.config
    sums = torch.zeros(len(LossParts._fields), dtype=torch.float64, device=device)
    groups = batch_groups(order.to(device), config.batch_size, config.accumulation)
    batches = math.ceil(len(order) / config.batch_size)
    places = [Place(epoch, first_step + n + 1, n * config.accumulation + 1, batches) for n in range(len(groups))]
    for group, place in zip(groups, places, strict=True):
        for param_group in trainer.optimizer.param_groups:
            param_group["lr"] = trainer.lr(place.step - 1)
        sums += _step(trainer, group, place)
    check_weights(trainer, where=place_of(trainer.table, groups[-1], places[-1]))
    return LossParts(*(sums / len(order)).unbind())


def _step(trainer: Trainer, group: list[Tensor], place: Place) -> Tensor:
    """One optimizer step on the batches `group`; returns the loss parts summed over its images [part]."""
    images = sum(len(rows) for rows in group)
    parts: list[Tensor] = []  # of each batch
    trainer.optimizer.zero_grad(set_to_none=True)
    for rows in group:
        losses = trainer.losses(trainer.forward, rows)
        (losses.total * (len(rows) / images)).backward()
        parts.append(torch.stack([part.detach().double() for part in losses]))
    sums = sum((part * len(rows) for part, rows in zip(parts, group, strict=True)), start=torch.zeros_like(parts[0]))
    norm = nn.utils.clip_grad_norm_(trainer.head.parameters(), trainer.config.clip_norm)
    if not torch.isfinite(norm + sums.sum()):
        raise step_error(trainer, group, [part[0] for part in parts], norm, place)
    trainer.optimizer.step()
    return sums
