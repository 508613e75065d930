"""The embeddings of a table's images, wherever they lie: in memory, or on the disk in their store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Embeddings(Protocol):
    """Rows `[view dim]` in float16, one per image. What is asked of them gives the same numbers wherever they lie."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Image, view, dim."""
        ...

    @property
    def device(self) -> torch.device:
        """Where `gather` puts rows."""
        ...

    @property
    def store_rows(self) -> NDArray[np.int64]:
        """Row of the store `[image]` that each image is."""
        ...

    def gather(self, rows: Tensor) -> Tensor:
        """The images `rows` (int64, any order, repeats allowed), `[row view dim]` float16 on `device`."""
        ...

    def take(self, rows: NDArray[np.integer]) -> Embeddings:
        """The embeddings of these images alone, in this order."""
        ...

    def pieces(self, images: int) -> Iterator[Tensor]:
        """All images in order, `images` at a time (the last piece may be smaller): `[image view dim]` on the CPU."""
        ...

    def expect(self, order: Tensor) -> Tensor:
        """Say that the images `order` will be gathered next, in this order; returns `order`. Changes no result."""
        ...

    def to(self, device: torch.device) -> Embeddings:
        """The same embeddings, `gather` giving them on `device`."""
        ...


@dataclass(frozen=True)
class Resident(Embeddings):
    """All rows in memory, or on the GPU."""

    tensor: Tensor  # float16 [image view dim]
    rows: NDArray[np.int64] | None = None  # of the store; None: the table is the whole store

    @property
    def shape(self) -> tuple[int, int, int]:
        """Image, view, dim."""
        images, views, dim = self.tensor.shape
        return images, views, dim

    @property
    def device(self) -> torch.device:
        """Where the tensor lies."""
        return self.tensor.device

    @property
    def store_rows(self) -> NDArray[np.int64]:
        """Row of the store `[image]`."""
        return np.arange(len(self.tensor)) if self.rows is None else self.rows

    def gather(self, rows: Tensor) -> Tensor:
        """The images `rows`, `[row view dim]`."""
        return self.tensor.index_select(0, rows.to(self.tensor.device))

    def take(self, rows: NDArray[np.integer]) -> Self:
        """A copy of these images; no copy where they are all images in order."""
        if np.array_equal(rows, np.arange(len(self.tensor))):
            return self
        index = torch.from_numpy(np.asarray(rows, dtype=np.int64))
        return type(self)(self.gather(index), self.store_rows[rows])

    def pieces(self, images: int) -> Iterator[Tensor]:
        """Views of the tensor, or copies of it from the GPU."""
        return (piece.cpu() for piece in self.tensor.split(images))

    def expect(self, order: Tensor) -> Tensor:
        """Nothing is to be done: every row is at hand."""
        return order

    def to(self, device: torch.device) -> Self:
        """All rows on `device`."""
        return type(self)(self.tensor.to(device), self.rows)
