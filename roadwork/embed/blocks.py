"""The blocks of one fingerprint of the embedding cache, wherever they lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from roadwork.embed.cache_block import DamagedBlockError
from roadwork.embed.claims import Claim
from roadwork.storage.place import Place, is_remote

Version = tuple[int, ...]
"""Tells a block that was replaced from the one that was seen."""
Fault = DamagedBlockError | OSError
"""What can be wrong with a block: it isn't what was written, or it can't be read."""


class Blocks(Protocol):
    """The folder of one fingerprint. Names are file names; blocks never change, and appear whole."""

    @property
    def folder(self) -> Place:
        """Where they lie."""
        ...

    def versions(self) -> dict[str, Version]:
        """Every block by name; none where the folder doesn't exist. OSError where it can't be read."""
        ...

    def ids(self, names: Sequence[str]) -> Iterator[tuple[str, list[str] | Fault]]:
        """The image ids of the blocks `names`, or what is wrong with one."""
        ...

    def verify(self, name: str) -> None:
        """Raise DamagedBlockError or OSError unless the block has the bytes that its name tells.

        Where that would cost a transfer of the whole block it is done in `copy` instead.
        """
        ...

    def read(self, name: str) -> tuple[list[str], NDArray[np.float16]]:
        """Image ids and `embeddings [image view dim]` of a block, verified; the errors are those of `verify`."""
        ...

    def shape(self, name: str) -> tuple[int, int]:
        """View and dim of the block's rows; the errors are those of `verify`."""
        ...

    def copy(self, name: str, places: Mapping[int, int], into: NDArray[np.float16]) -> Version:
        """Copy rows of a verified block: for each `places[row] = place`, its row `row` to `into[place]`.

        The version of what was read, to compare. Raises DamagedBlockError where there are no such rows of `into`'s
        shape, OSError where they can't be read.
        """
        ...

    def write(self, image_ids: Sequence[str], embeddings: NDArray[np.float16]) -> tuple[str, Version]:
        """Publish `embeddings [image view dim]` as one block; StoreError where that can't be."""
        ...

    def set_aside(self, name: str) -> str | None:
        """Rename a damaged block so that it isn't one any more; the new name, None where another process was faster."""
        ...

    def facts(self) -> Mapping[str, Any] | None:
        """The fingerprint's facts as recorded for people; None where they aren't its own."""
        ...

    def describe(self, key: str, fields: Mapping[str, Any]) -> None:
        """Record the fingerprint's facts."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Exclude other processes that append, claim or clear, where that can be done; the folder is there then."""
        ...

    def tidy(self) -> None:
        """Remove what killed writers left."""
        ...

    def claim(self) -> Claim:
        """A claim of this process, nothing held yet."""
        ...

    def files(self) -> dict[str, int]:
        """What is directly in the folder by name, with its size in bytes."""
        ...

    def clear(self) -> None:
        """Delete the folder with all that is in it."""
        ...


def blocks_in(folder: Place) -> Blocks:
    """The blocks of the fingerprint whose folder this is."""
    if not is_remote(folder):
        from roadwork.embed.local_blocks import LocalBlocks

        return LocalBlocks(folder)  # pyright: ignore[reportArgumentType]
    from roadwork.embed.remote_blocks import RemoteBlocks  # what it needs takes longer to import than all else here

    return RemoteBlocks(folder)  # pyright: ignore[reportArgumentType]
