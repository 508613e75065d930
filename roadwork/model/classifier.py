"""A classifier with one hidden layer: roadwork from the fused vector, weather from the vision vector."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from roadwork.model.head_config import ClassifierConfig


class Classifier(nn.Module):
    """W_2 Dropout(GELU(W_1 x)), in float32 even under autocast: bfloat16 logits would tie between similar images."""

    def __init__(self, config: ClassifierConfig, dim: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(dim, config.hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(config.hidden, classes)
        )

    def forward(self, vectors: Float[Tensor, "image dim"]) -> Float[Tensor, "image class"]:
        """Logits, float32."""
        with torch.autocast(vectors.device.type, enabled=False):
            return self.layers(vectors.float())
