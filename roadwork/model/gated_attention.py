"""Gated attention: views look at each other. The fourth box of the head's figure, repeated `layers` times."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from roadwork.model.head_config import AttentionConfig
from roadwork.model.multi_head import MultiHead


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
