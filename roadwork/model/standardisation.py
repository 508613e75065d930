"""Standardisation: what an image's views have beyond the usual. The box before the head's first one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

_CHUNK = 256  # images converted to float64 at a time: 31 MB at 12 views of 1280
_SMALLEST_SCALE = 1e-6  # below half precision's resolution: such a dimension is constant


@runtime_checkable
class InPieces(Protocol):
    """Embeddings that needn't all be in memory at once."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Image, view, dim."""
        ...

    def pieces(self, images: int) -> Iterator[Tensor]:
        """All in order, `images` at a time: `[image view dim]`."""
        ...


class Standardisation(nn.Module):
    """(e - mean[view]) / scale, with the statistics of the training images; the identity until `fit` was called.

    Frozen features share a large common vector, another for the sky than for the road, and a few dimensions of a
    transformer are far larger than all others (cf. arXiv 2309.16588). Both would drown what tells images apart. The
    statistics are buffers: part of the head's weights, never trained.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, views: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(views, dim))
        self.register_buffer("scale", torch.ones(dim))

    @torch.no_grad()
    def fit(self, embeddings: Float[Tensor, "image view dim"] | InPieces) -> None:
        """Take mean [view dim] and standard deviation [dim, over images and views] from `embeddings`, any float type.

        Two passes in float64, so that neither the size of the common vector nor the number of images costs precision,
        and over pieces of equal size, so that it doesn't matter whether they lie in memory. A dimension that is
        constant is only centred.
        """
        images, pieces = (
            (len(embeddings), embeddings.split)
            if isinstance(embeddings, Tensor)
            else (embeddings.shape[0], embeddings.pieces)
        )
        total = sum((piece.double().sum(dim=0) for piece in pieces(_CHUNK)), start=self.mean.double() * 0)
        mean = total / images
        squares = sum(
            (
                piece.to(torch.float64, copy=True).sub_(mean).square_().mean(dim=1).sum(dim=0)
                for piece in pieces(_CHUNK)
            ),
            start=self.scale.double() * 0,
        )
        deviation = (squares / images).sqrt()
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(deviation > _SMALLEST_SCALE, deviation, 1.0))

    def forward(
        self, embeddings: Float[Tensor, "image view dim"], views: Int64[Tensor, "image view"] | None = None
    ) -> Float[Tensor, "image view dim"]:
        """The same shape, in float32; `views` are the indices of the views given, by default all in order."""
        return (embeddings.float() - (self.mean if views is None else self.mean[views])) / self.scale


class Unstandardised(nn.Module):
    """The embeddings as they are: what stands in for Standardisation when that is switched off."""

    def fit(self, embeddings: Float[Tensor, "image view dim"] | InPieces) -> None:
        """There is nothing to take from `embeddings`."""

    def forward(
        self, embeddings: Float[Tensor, "image view dim"], views: Int64[Tensor, "image view"] | None = None
    ) -> Float[Tensor, "image view dim"]:
        """`embeddings` themselves, whichever `views` they are."""
        return embeddings
