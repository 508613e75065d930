"""Multi-scale pyramid: each token at several widths, put together again. The third box of the head's figure."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from roadwork.model.head_config import PyramidConfig


class Pyramid(nn.Module):
    """x + W [level_1; level_2; ...], where n = LayerNorm(x) and a level is n itself or GELU(W_level n).

    Without the GELU the levels and W would multiply out to one matrix.
    """

    def __init__(self, config: PyramidConfig, dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.levels = nn.ModuleList(nn.Linear(dim, width) for width in config.dims if width != dim)
        self.copies = sum(width == dim for width in config.dims)
        self.merge = nn.Linear(sum(config.dims), dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Float[Tensor, "image token dim"]) -> Float[Tensor, "image token dim"]:
        """Tokens of the same shape."""
        n = self.norm(tokens)
        levels = [n] * self.copies + [F.gelu(level(n)) for level in self.levels]
        return tokens + self.dropout(self.merge(torch.cat(levels, dim=-1)))
