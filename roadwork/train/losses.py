"""What training minimises: 0.5·focal + 0.3·consistency + 0.2·weather by default. All of it in float32."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from roadwork.model.head import HeadOutput
from roadwork.train.loss_config import LossConfig

SMALLEST_MISS = 1e-8  # below float32's resolution of 1 - p; keeps the power's gradient finite at p = 1


class LossParts(NamedTuple):
    """Scalars with a graph; `total` is the weighted sum, the others are unweighted."""

    total: Float[Tensor, ""]
    focal: Float[Tensor, ""]
    consistency: Float[Tensor, ""]
    weather: Float[Tensor, ""]


def focal(
    logits: Float[Tensor, "image class"],
    labels: Int64[Tensor, " image"],
    *,
    gamma: float,
    alpha: float | None,
    label_smoothing: float,
) -> Float[Tensor, ""]:
    """Mean over images of α_y (1 - p_y)^γ · CE(smoothed target, p) (arXiv 1708.02002; smoothing arXiv 1512.00567).

    p_y is the model's probability of the true class y. The original's exp(-CE) equals it only without smoothing: with
    smoothing it never reaches 1 and no image would ever count as easy. α_1 = `alpha`, α_0 = 1 - `alpha`.

    Labels are 0 or 1; an unlabelled image (-1) is an IndexError or RuntimeError of the gather, never a silent zero.
    """
    log_p = F.log_softmax(logits.float(), dim=-1)
    log_p_true = log_p.gather(1, labels.unsqueeze(1)).squeeze(1)
    cross_entropy = -(1 - label_smoothing) * log_p_true - label_smoothing * log_p.mean(dim=1)
    missed = (1 - log_p_true.exp()).clamp_min(SMALLEST_MISS)
    per_image = missed**gamma * cross_entropy
    if alpha is not None:
        # Not torch.where, which copies two numbers to the device, and waits for them.
        per_image = per_image * torch.full_like(per_image, 1 - alpha).masked_fill(labels == 1, alpha)
    return per_image.mean()


def consistency(view_logits: Float[Tensor, "image token class"]) -> Float[Tensor, ""]:
    """Mean over images and views of KL(p_view ‖ p̄), where p̄ is the mean of the image's p_view.

    In this direction it is the generalised Jensen-Shannon divergence of the views (Lin 1991): 0 when all agree, at most
    log(number of views), and finite even for one-hot predictions.
    """
    log_p = F.log_softmax(view_logits.float(), dim=-1)
    p = log_p.exp()
    log_mean = torch.log(p.mean(dim=1, keepdim=True).clamp_min(torch.finfo(p.dtype).tiny))
    return (p * (log_p - log_mean)).sum(dim=-1).mean()


def weather(
    weather_logits: Float[Tensor, "image weather"], weather_index: Int64[Tensor, " image"], null_index: int
) -> Float[Tensor, ""]:
    """Cross-entropy averaged over the images whose weather is known (neither `null_index` nor -1).

    Exactly 0, with a graph and zero gradients, when none is.
    """
    known = (weather_index != null_index) & (weather_index != -1)
    targets = weather_index.masked_fill(~known, null_index)
    per_image = F.cross_entropy(weather_logits.float(), targets, reduction="none")
    return per_image.masked_fill(~known, 0).sum() / known.sum().clamp_min(1)


def total(
    output: HeadOutput,
    labels: Int64[Tensor, " image"],
    weather_index: Int64[Tensor, " image"],
    *,
    null_index: int,
    config: LossConfig,
) -> LossParts:
    """The weighted sum of the three, and its parts. `weather_index` is the true weather, never a hidden one."""
    parts = (
        focal(
            output.logits,
            labels,
            gamma=config.gamma,
            alpha=config.alpha,
            label_smoothing=config.label_smoothing,
        ),
        consistency(output.view_logits),
        weather(output.weather_logits, weather_index, null_index),
    )
    weighted = config.focal * parts[0] + config.consistency * parts[1] + config.weather * parts[2]
    return LossParts(weighted, *parts)
