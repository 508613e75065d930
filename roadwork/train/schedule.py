"""The learning rate over a training run, as a pure function of the optimizer step."""

from __future__ import annotations

import math


def steps_per_epoch(images: int, batch_size: int, accumulation: int) -> int:
    """Optimizer steps in one epoch; the last batch and the last group of batches may be smaller."""
    return math.ceil(math.ceil(images / batch_size) / accumulation)


def warmup_length(total_steps: int, warmup_steps: int, warmup_max_fraction: float) -> int:
    """Steps of warm-up: `warmup_steps`, but at most the given share of all steps, rounded down."""
    return min(warmup_steps, math.floor(warmup_max_fraction * total_steps))


def lr_factor(step: int, *, total_steps: int, warmup: int) -> float:
    """Share of the peak learning rate at optimizer step `step` (from 0).

    Linear from 1/warmup to 1 over the first `warmup` steps, then half a cosine from 1, which would be 0 at step
    `total_steps`: the first step after the last (SGDR without restarts, arXiv 1608.03983).
    """
    if step < warmup:
        return (step + 1) / warmup
    if step >= total_steps:
        return 0.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total_steps - warmup)))
