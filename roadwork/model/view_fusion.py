"""Gated view fusion (GAFM): the tokens of an image become one vector. The fifth box of the head's figure."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from roadwork.model.head_config import Backend, ViewFusionConfig
from roadwork.model.multi_head import MultiHead

EPSILON = 1e-6  # keeps the weighted mean finite when every gate is shut


class ViewFusion(nn.Module):
    """Σ w x / (Σ w + ε) over an image's tokens, after two pre-norm residual attentions.

    n = LayerNorm(x) and w = σ(MLP(n)), one importance per token. *Cross-view attention*: every token asks, and what it
    hears of the others is scaled by their importance: x ← x + heads(queries n, context w·n). *Self-attention
    refinement*: x ← x + heads(LayerNorm(x)). The mean at the end is weighted by the same w.
    """

    def __init__(self, config: ViewFusionConfig, dim: int, dropout: float, backend: Backend) -> None:
        super().__init__()
        self.importance = nn.Sequential(nn.Linear(dim, config.gate_hidden), nn.GELU(), nn.Linear(config.gate_hidden, 1))
        self.cross_norm, self.refine_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.cross = MultiHead(dim, config.heads, backend)
        self.refine = MultiHead(dim, config.heads, backend)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, tokens: Float[Tensor, "image token dim"]
    ) -> tuple[Float[Tensor, "image dim"], Float[Tensor, "image token"]]:
        """The image's vector and its gates w in (0, 1), both float32."""
        n = self.cross_norm(tokens)
        gates = self.importance(n).float().sigmoid()
        tokens = tokens + self.dropout(self.cross(n, gates * n))
        n = self.refine_norm(tokens)
        tokens = tokens + self.dropout(self.refine(n, n))
        vision = (gates * tokens).sum(dim=1) / (gates.sum(dim=1) + EPSILON)
        return vision, gates.squeeze(-1)


class ViewMean(nn.Module):
    """The plain mean over an image's tokens: what stands in for ViewFusion when that is switched off."""

    def forward(
        self, tokens: Float[Tensor, "image token dim"]
    ) -> tuple[Float[Tensor, "image dim"], Float[Tensor, "image token"]]:
        """The mean, and gates that are all 1."""
        return tokens.mean(dim=1), tokens.new_ones(tokens.shape[:2])
