"""One pass over the training images: forward, backward, accumulate, clip, step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from roadwork.train.clipping import clip_gradients
from roadwork.train.losses import LossParts
from roadwork.train.not_finite import Place, check_weights, place_of, step_error
from roadwork.train.sampler import batch_groups
from roadwork.train.trainer import Trainer

LOOK = 16
"""Steps between two looks at whether the numbers are still finite. On a GPU a look waits for all that is under way."""


class Taken(NamedTuple):
    """What is kept of an optimizer step."""

    parts: Tensor  # [batch part] the losses of each batch of the group, float64
    norm: Tensor  # of the gradient before it was clipped


Step = Callable[[Sequence[Tensor], float, Tensor], Taken]


def train_epoch(trainer: Trainer, order: Tensor, *, epoch: int, first_step: int, step: Step | None = None) -> LossParts:
    """Train on the rows `order [image]` of the table; returns the image-weighted means of the loss parts.

    Each group of `accumulation` batches makes one step of the mean gradient over the group's images: a batch counts by
    its share of the group, also in a smaller last group. (The weather loss is a mean over the known images of a batch.)
    `step` takes it, by default `take_step`.

    Raises TrainingError when a loss or the gradient isn't finite; that step wasn't taken, nor any after it. A step that
    breaks the weights is noticed at the next one, or after the last.
    """
    trainer.head.train()
    device, config = trainer.table.labels.device, trainer.config
    groups = batch_groups(order.to(device), config.batch_size, config.accumulation)
    batches = math.ceil(len(order) / config.batch_size)
    places = [Place(epoch, first_step + n + 1, n * config.accumulation + 1, batches) for n in range(len(groups))]
    sums = torch.zeros(len(LossParts._fields), dtype=torch.float64, device=device)
    broken = torch.zeros((), device=device)
    take = step or partial(take_step, trainer)
    for start in range(0, len(groups), LOOK):
        few = list(zip(groups[start : start + LOOK], places[start : start + LOOK], strict=True))
        taken = [take(group, trainer.lr(place.step - 1), broken) for group, place in few]
        if broken:
            _raise(trainer, few, taken)
        for (group, _), each in zip(few, taken, strict=True):
            sums += _over_images(each.parts, group)
    check_weights(trainer, where=place_of(trainer.table, groups[-1], places[-1]))
    return LossParts(*(sums / len(order)).unbind())


def take_step(trainer: Trainer, group: Sequence[Tensor], lr: float | Tensor, broken: Tensor) -> Taken:
    """One optimizer step on the batches `group`, rows of the table; the processor waits for no result.

    The scalar `broken` becomes 1 where a loss or the gradient isn't finite, and stays it. Where it is 1, nothing moves:
    so the weights are those that broke, however much later somebody looks.
    """
    images = sum(len(rows) for rows in group)
    parts: list[Tensor] = []
    trainer.optimizer.zero_grad()
    with trainer.autocast():  # around all batches, so that each weight is rounded to bfloat16 once for the group
        for rows in group:
            losses = trainer.losses(trainer.forward, rows)
            with trainer.autocast(enabled=False):  # a backward pass goes by what its forward pass chose
                (losses.total * (len(rows) / images)).backward()
            parts.append(torch.stack([part.detach() for part in losses]).double())
    norm = clip_gradients(trainer.head.parameters(), trainer.config.clip_norm)
    taken = Taken(torch.stack(parts), norm)
    broken.logical_or_(~_fine(taken))
    trainer.optimizer.step(lr, skip=broken)
    return taken


def _fine(taken: Taken) -> Tensor:
    return (taken.norm + taken.parts.sum()).isfinite()


def _over_images(parts: Tensor, group: Sequence[Tensor]) -> Tensor:
    """The loss parts summed over the images of `group` [part]."""
    return torch.stack([part * len(rows) for part, rows in zip(parts, group, strict=True)]).sum(dim=0)


def _raise(trainer: Trainer, few: Sequence[tuple[Sequence[Tensor], Place]], taken: Sequence[Taken]) -> None:
    """Raise the error about the first of these steps that wasn't fine."""
    (group, place), first = next(pair for pair in zip(few, taken, strict=True) if not _fine(pair[1]))
    raise step_error(trainer, group, list(first.parts[:, 0]), first.norm, place)
