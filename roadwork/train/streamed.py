"""Embeddings that stay on the disk, in their store, and are gathered from chunks that were read ahead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadwork.embed.store import CHUNK_IMAGES
from roadwork.train.embeddings import Embeddings
from roadwork.train.read_ahead import ReadAhead, StoreReader


class Streamed(Embeddings):
    """Rows of a store on the disk.

    `gather` gives rows in any order, and quickly in the order that `expect` announced, or that of the store. `to` gives
    another face of the same reading: what one expects, the other has at hand.
    """

    def __init__(
        self, reader: StoreReader, rows: NDArray[np.int64], *, device: str = "cpu", ahead: ReadAhead | None = None
    ) -> None:
        self._reader, self._rows, self._device = reader, rows, torch.device(device)
        self._ahead = ReadAhead(reader) if ahead is None else ahead

    @property
    def shape(self) -> tuple[int, int, int]:
        """Image, view, dim."""
        _, views, dim = self._reader.store.shape
        return len(self._rows), views, dim

    @property
    def device(self) -> torch.device:
        """Where `gather` puts rows."""
        return self._device

    @property
    def store_rows(self) -> NDArray[np.int64]:
        """Row of the store `[image]`."""
        return self._rows

    def gather(self, rows: Tensor) -> Tensor:
        """The images `rows`, `[row view dim]`; StoreError where the store can't be read, or no longer."""
        chunk_of, place_of = np.divmod(self._rows[rows.cpu().numpy()], CHUNK_IMAGES)
        found = np.empty((len(rows), *self.shape[1:]), np.float16)
        for chunk in dict.fromkeys(chunk_of.tolist()):
            which = np.flatnonzero(chunk_of == chunk)
            found[which] = self._ahead.use(chunk, len(which))[place_of[which]]
        return torch.from_numpy(found).to(self._device)

    def take(self, rows: NDArray[np.integer]) -> Streamed:
        """These images; nothing is read."""
        return Streamed(self._reader, self._rows[rows], device=str(self._device))

    def pieces(self, images: int) -> Iterator[Tensor]:
        """Consecutive images, read ahead of their use."""
        alone = Streamed(self._reader, self._rows)
        order = alone.expect(torch.arange(len(self._rows)))
        return (alone.gather(piece) for piece in order.split(images))

    def expect(self, order: Tensor) -> Tensor:
        """Begin to read what `order` will ask for; what an earlier order announced is forgotten."""
        self._ahead.expect((self._rows[order.cpu().numpy()] // CHUNK_IMAGES).tolist())
        return order

    def to(self, device: torch.device) -> Streamed:
        """The same rows; `gather` puts them on `device`."""
        return Streamed(self._reader, self._rows, device=str(device), ahead=self._ahead)
