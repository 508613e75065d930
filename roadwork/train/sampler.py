"""Which images an epoch shows, and in which order: a pure function of seed and epoch.

An epoch's order doesn't depend on the epochs before it, so a run that resumes in the middle goes on with exactly the
order that an unbroken run would have had.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import WeightedRandomSampler

from roadwork.seeding import derive


def weighted_order(weights: Tensor, *, seed: int, epoch: int) -> Tensor:
    """Row numbers of one epoch [image], drawn with replacement in proportion to `weights [image]`.

    As many draws as there are rows. Equal weights are the uniform baseline, also with replacement: it differs from a
    weighted run in the weights alone.
    """
    generator = torch.Generator().manual_seed(derive(seed, "sampler", epoch))
    sampler = WeightedRandomSampler(weights.double().tolist(), len(weights), replacement=True, generator=generator)
    return torch.tensor(list(sampler), dtype=torch.int64)


def shuffled_order(images: int, *, seed: int, epoch: int) -> Tensor:
    """Row numbers of one epoch [image]: every row once, in random order."""
    generator = torch.Generator().manual_seed(derive(seed, "sampler", epoch))
    return torch.randperm(images, generator=generator)


def near_share(distance_km: Tensor, near_km: float) -> float | None:
    """Share of the drawn images that lie nearer than `near_km` to a cluster centre, among those with GPS.

    `distance_km [image]` is NaN where there is no GPS; None when that is so for all.
    """
    known = distance_km[~distance_km.isnan()]
    return float((known < near_km).double().mean()) if len(known) else None


def batch_groups(order: Tensor, batch_size: int, accumulation: int) -> list[list[Tensor]]:
    """`order` cut into batches of `batch_size`, and these into groups of `accumulation`: one group per optimizer step.

    Every row is used; the last batch and the last group may be smaller.
    """
    batches = list(order.split(batch_size))
    return [batches[start : start + accumulation] for start in range(0, len(batches), accumulation)]
