"""Gradients no longer than a given norm (arXiv 1211.5063)."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

_EPSILON = 1e-6  # that of `clip_grad_norm_`, which this is bit for bit


def clip_gradients(parameters: Iterable[nn.Parameter], clip_norm: float) -> Tensor:
    """Scale all gradients together down to the L2 norm `clip_norm`, if theirs is larger; returns what it was.

    `torch.nn.utils.clip_grad_norm_` multiplies by 1 where there is nothing to clip, since on a GPU looking would stall.
    On the CPU it is one more pass over every gradient than a look costs.
    """
    moving = [parameter for parameter in parameters if parameter.grad is not None]
    norm = get_total_norm([parameter.grad for parameter in moving if parameter.grad is not None])
    if norm.is_cuda or not norm + _EPSILON <= clip_norm:
        clip_grads_with_norm_(moving, clip_norm, norm)
    return norm
