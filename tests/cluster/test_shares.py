"""Pieces for all processes of a cluster."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwork.cluster.capacity import Pools
from roadwork.cluster.shares import shares_of


def pools(decoders: int, models: int) -> Pools:
    return Pools(decoders, 0.5, models, 0.5, 0.0)


@pytest.mark.parametrize(
    ("count", "decode_images", "pieces"),
    [
        (128, 16, [16] * 8),
        (64, 10, [10, 9, 9, 9, 9, 9, 9]),  # not 10, …, 10 and 4 of the next block
        (100, 64, [32, 32, 36]),
        (16, 16, [8, 8]),
        (1, 16, [1]),
    ],
)
def test_pieces_of_a_block_are_alike(count: int, decode_images: int, pieces: list[int]) -> None:
    shares = shares_of(count, pools(2, 1), decode_images=decode_images, block_images=64)
    assert list(shares.piece_images) == pieces


def test_processes_that_would_have_nothing_to_do_are_not_asked_for() -> None:
    shares = shares_of(6, pools(4, 3), decode_images=16, block_images=5)
    assert shares.piece_images == (2, 2, 1, 1)
    assert (shares.pools.decode_actors, shares.pools.model_actors) == (4, 2)
    shares = shares_of(2, pools(4, 3), decode_images=16, block_images=64)
    assert (shares.pools.decode_actors, shares.pools.model_actors) == (2, 1)


@given(st.integers(1, 5000), st.integers(1, 40), st.integers(1, 9), st.integers(1, 90), st.integers(1, 90))
def test_all_are_shared_out_within_the_limits(
    count: int, decoders: int, models: int, decode_images: int, block_images: int
) -> None:
    shares = shares_of(count, pools(decoders, models), decode_images=decode_images, block_images=block_images)
    assert sum(shares.piece_images) == count
    assert 1 <= min(shares.piece_images) <= max(shares.piece_images) <= decode_images
    ends = [sum(shares.piece_images[: number + 1]) for number in range(len(shares.piece_images))]
    assert set(range(block_images, count, block_images)) <= set(ends), "a block begins where a piece does"
    assert 1 <= shares.pools.decode_actors <= min(decoders, len(shares.piece_images))
    assert shares.pools.model_actors == min(models, ceil(count / block_images))
