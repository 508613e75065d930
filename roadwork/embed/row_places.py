"""Where in the cache's blocks the rows of some images lie: what any process needs to read them, on any machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from roadwork.embed.blocks import Blocks, Version, blocks_in
from roadwork.embed.cache_block import DamagedBlockError
from roadwork.storage.place import reopened


@dataclass(frozen=True)
class Lost:
    """A block that isn't the one that was seen."""

    name: str
    damage: str | None  # None: gone, replaced or unreadable; to be looked at again


class LostBlocksError(Exception):
    """Some rows couldn't be read; `lost` says from which blocks."""

    def __init__(self, lost: Sequence[Lost]) -> None:
        super().__init__(f"{len(lost)} blocks")
        self.lost = tuple(lost)


@dataclass(frozen=True)
class RowPlaces:
    """Rows `[view dim]` of images in their order. Plain values: it travels to other processes."""

    folder: str  # of the blocks: `str` of its place
    shape: tuple[int, int]  # view dim
    rows: tuple[tuple[str, int], ...]  # for each image, a block's name and the row in it
    versions: Mapping[str, Version]  # of these blocks, when they were seen

    def read(self, blocks: Blocks | None = None) -> NDArray[np.float16]:
        """The rows `[image view dim]`; LostBlocksError where a block isn't the one that was seen.

        `blocks` is the folder opened, where the caller has it.
        """
        blocks = _opened(self.folder) if blocks is None else blocks
        into = np.empty((len(self.rows), *self.shape), np.float16)
        by_block: dict[str, dict[int, list[int]]] = {}  # for each row of a block, where it goes
        for target, (name, row) in enumerate(self.rows):
            by_block.setdefault(name, {}).setdefault(row, []).append(target)
        lost = []
        for name, targets in by_block.items():
            try:
                if blocks.copy(name, {row: first for row, (first, *_) in targets.items()}, into) != self.versions[name]:
                    lost.append(Lost(name, None))
            except DamagedBlockError as damage:
                lost.append(Lost(name, str(damage)))
            except OSError:
                lost.append(Lost(name, None))
            for first, *others in targets.values():
                into[others] = into[first]
        if lost:
            raise LostBlocksError(lost)
        return into


@lru_cache(maxsize=1)
def _opened(folder: str) -> Blocks:
    """A process that reads many pieces keeps what it holds of the blocks."""
    return blocks_in(reopened(folder))
