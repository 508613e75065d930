"""View pruning: score every view, keep the best few. The first box of the head's figure."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from roadwork.model.head_config import PruningConfig


class Pruning(nn.Module):
    """Keeps the `keep` best-scored views in their original order, each multiplied by the sigmoid of its score.

    A bare top-k gives its scorer no gradient; the multiplication does (cf. Top-K pooling, Gao & Ji 2019,
    arXiv 1905.05178). Scores are computed in float32 even under autocast, so that the same image keeps the same views
    whatever the precision of the rest.
    """

    def __init__(self, config: PruningConfig, dim: int) -> None:
        super().__init__()
        self.keep = config.keep
        self.scorer = (
            nn.Sequential(nn.Linear(dim, config.hidden), nn.GELU(), nn.Linear(config.hidden, 1))
            if config.enabled
            else None
        )

    def forward(
        self, embeddings: Float[Tensor, "image view dim"], views: Int64[Tensor, "image view"] | None = None
    ) -> tuple[Float[Tensor, "image token dim"], Int64[Tensor, "image token"]]:
        """The kept embeddings and their view indices, ascending. Equal scores: the earlier view stays.

        `views` are the indices of the views given, ascending in each image, by default all in order. Where fewer are
        given than are to be kept, all of them stay.
        """
        images, count, dim = embeddings.shape
        if views is None:
            views = torch.arange(count, device=embeddings.device).expand(images, count)
        if self.scorer is None:
            return embeddings, views
        with torch.autocast(embeddings.device.type, enabled=False):
            scores = self.scorer(embeddings.float()).squeeze(-1)
        best = scores.argsort(dim=1, descending=True, stable=True)[:, : self.keep]
        places = best.sort(dim=1).values
        weights = scores.gather(1, places).sigmoid()
        chosen = embeddings.gather(1, places.unsqueeze(-1).expand(-1, -1, dim))
        return chosen * weights.unsqueeze(-1), views.gather(1, places)
