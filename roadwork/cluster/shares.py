"""How photographs are shared out among a cluster's processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from roadwork.cluster.capacity import Pools


@dataclass(frozen=True)
class Shares:
    """What each decode task gets, and the processes that have something to do."""

    pools: Pools
    piece_images: tuple[int, ...]  # of each decode task, in order; a block of the cache begins where a piece does


def shares_of(count: int, pools: Pools, *, decode_images: int, block_images: int) -> Shares:
    """Pieces of `count` photographs, of at most `decode_images`, for as many decoders as can be.

    Blocks are full but for the last, as the local engine's are, so their content is the same.
    """
    most = min(decode_images, ceil(count / pools.decode_actors))
    pieces = tuple(
        size for start in range(0, count, block_images) for size in _even(min(block_images, count - start), most)
    )
    used = replace(
        pools,
        decode_actors=min(pools.decode_actors, len(pieces)),
        model_actors=min(pools.model_actors, ceil(count / block_images)),
    )
    return Shares(used, pieces)


def _even(count: int, most: int) -> Iterator[int]:
    """`count` in as few parts as have at most `most`; they differ by one at most."""
    parts = ceil(count / most)
    for part in range(parts):
        yield count // parts + (part < count % parts)
