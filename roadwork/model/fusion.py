"""Fusion of the vision vector with the metadata. The box before the classifier in the head's figure."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Fusion(nn.Module):
    """Dropout(GELU(LayerNorm(W [vision; facts] + b))). With no metadata field in use, `facts_dim` is 0."""

    def __init__(self, vision_dim: int, facts_dim: int, dropout: float) -> None:
        super().__init__()
        self.merge = nn.Sequential(
            nn.Linear(vision_dim + facts_dim, vision_dim), nn.LayerNorm(vision_dim), nn.GELU(), nn.Dropout(dropout)
        )

    def forward(
        self, vision: Float[Tensor, "image vision"], facts: Float[Tensor, "image facts"]
    ) -> Float[Tensor, "image vision"]:
        """One vector per image, as wide as `vision`."""
        return self.merge(torch.cat([vision, facts.to(vision.dtype)], dim=1))
