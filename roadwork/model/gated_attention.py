"""Gated attention: views look at each other. The fourth box of the head's figure, repeated `layers` times."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from roadwork.config import Section
from roadwork.model.attention import Backend
from roadwork.model.multi_head import MultiHead

Gate = Literal["elementwise", "headwise", "none"]


class AttentionConfig(Section):
    """`head.attention`."""

    layers: int = Field(ge=0, le=64, description="how many gated attention layers; 0 leaves them out")
    heads: int = Field(gt=0, le=256, description="attention heads; a divisor of head.projection.dim")
    gate: Gate = Field(description="elementwise: a gate per channel; headwise: one per head; none: plain attention")
    backend: Backend = Field(
        description="auto: xformers on CUDA in half precision, else sdpa; xformers or sdpa: that one or an error"
    )


class GatedAttention(nn.Module):
    """x + W_o (σ(W_g n) ⊙ heads(n)) with n = LayerNorm(x).

    The gate sits on the attention's output, before the output projection: position G1 of "Gated Attention for Large
    Language Models" (arXiv 2505.06708), the one that helped most there.
    """

    def __init__(self, config: AttentionConfig, dim: int, dropout: float) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm = nn.LayerNorm(dim)
        self.attend = MultiHead(dim, config.heads, config.backend)
        widths = {"elementwise": dim, "headwise": config.heads}
        self.gate = nn.Linear(dim, widths[config.gate]) if config.gate in widths else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Float[Tensor, "image token dim"]) -> Float[Tensor, "image token dim"]:
        """Tokens of the same shape."""
        n = self.norm(tokens)
        gate = None if self.gate is None else self.gate(n).sigmoid().unflatten(-1, (self.heads, -1))
        return tokens + self.dropout(self.attend(n, n, gate))
