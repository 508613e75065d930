"""Projection: from the backbone's width to the head's, plus which view it is. The second box of the head's figure."""

from __future__ import annotations

from jaxtyping import Float, Int64
from torch import Tensor, nn

from roadwork.model.head_config import ProjectionConfig


class Projection(nn.Module):
    """token = W embedding + b + E[view]."""

    def __init__(self, config: ProjectionConfig, embedding_dim: int, views: int) -> None:
        super().__init__()
        self.linear = nn.Linear(embedding_dim, config.dim)
        self.view_embedding = nn.Embedding(views, config.dim) if config.view_embedding else None
        if self.view_embedding is not None:
            # As in ViT (arXiv 2010.11929): small beside the projected content, which it would otherwise drown.
            nn.init.trunc_normal_(self.view_embedding.weight, std=0.02)

    def forward(
        self, embeddings: Float[Tensor, "image token embedding"], kept: Int64[Tensor, "image token"]
    ) -> Float[Tensor, "image token dim"]:
        """Tokens in float32 (the residual stream stays there under autocast); `kept` are view indices."""
        tokens = self.linear(embeddings).float()
        return tokens if self.view_embedding is None else tokens + self.view_embedding(kept)
