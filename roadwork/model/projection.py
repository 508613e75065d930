"""Projection: from the backbone's width to the head's, plus which view it is. The second box of the head's figure."""

from __future__ import annotations

from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor, nn

from roadwork.config import Section


class ProjectionConfig(Section):
    """`head.projection`."""

    dim: int = Field(
        gt=0, le=4096, description="width of a token everywhere in the head; a multiple of the attention heads"
    )
    view_embedding: bool = Field(description="add a learned vector per view, so that a tile differs from the whole")


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
