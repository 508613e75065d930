import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwork.train.embeddings import Resident
from roadwork.train.sampler import shuffled_order, weighted_order
from roadwork.train.windows import in_windows

CHUNK = 256


def embeddings(store_rows):
    rows = np.asarray(store_rows, dtype=np.int64)
    return Resident(torch.zeros(len(rows), 1, 1, dtype=torch.float16), rows)


@settings(deadline=None)
@given(
    drawn=st.lists(st.integers(0, 499), max_size=400), window=st.integers(1, 1000), seed=st.integers(0, 9),
    stride=st.integers(1, 40),
)  # fmt: skip
def test_every_row_is_used_as_often_as_it_was_drawn(drawn, window, seed, stride):
    order = torch.tensor(drawn, dtype=torch.int64)
    found = in_windows(order, embeddings(np.arange(500) * stride), window_images=window, seed=seed, epoch=1)
    assert torch.equal(found.sort().values, order.sort().values)


def test_where_a_window_holds_everything_the_order_is_the_one_drawn():
    order = shuffled_order(1000, seed=1, epoch=1)
    assert torch.equal(in_windows(order, embeddings(range(1000)), window_images=1024, seed=1, epoch=1), order)
    assert not torch.equal(in_windows(order, embeddings(range(1000)), window_images=1023, seed=1, epoch=1), order)


@pytest.mark.parametrize("chunks_per_window", [1, 3, 4])
def test_no_chunk_is_needed_outside_its_window_and_no_window_is_too_large(chunks_per_window):
    n = 10 * CHUNK
    order = weighted_order(torch.rand(n), seed=3, epoch=1)
    found = in_windows(order, embeddings(range(n)), window_images=chunks_per_window * CHUNK, seed=3, epoch=1)
    chunks = (found // CHUNK).tolist()
    first, last = (
        {chunk: place for place, chunk in places} for places in (reversed([*enumerate(chunks)]), enumerate(chunks))
    )
    most = max(sum(first[c] <= place <= last[c] for c in first) for place in range(0, n, 16))
    assert most <= chunks_per_window


def test_within_a_window_rows_come_as_they_were_drawn():
    order = shuffled_order(4 * CHUNK, seed=1, epoch=1)
    found = in_windows(order, embeddings(range(4 * CHUNK)), window_images=2 * CHUNK, seed=1, epoch=1)
    place = {row: number for number, row in enumerate(order.tolist())}
    places = [place[row] for row in found.tolist()]
    halves = places[: 2 * CHUNK], places[2 * CHUNK :]
    assert all(half == sorted(half) for half in halves)


def test_windows_are_a_function_of_seed_and_epoch():
    order, of = torch.arange(8 * CHUNK), embeddings(range(8 * CHUNK))

    def found(seed, epoch):
        return tuple(in_windows(order, of, window_images=2 * CHUNK, seed=seed, epoch=epoch).tolist())

    assert found(1, 1) == found(1, 1)
    assert len({found(1, 1), found(1, 2), found(2, 1), found(2, 2)}) == 4


def test_images_far_apart_in_the_store_are_in_windows_of_their_own():
    found = in_windows(torch.tensor([0, 1, 2, 3]), embeddings([0, 5000, 1, 5001]), window_images=256, seed=1, epoch=1)
    assert found.tolist() in ([0, 2, 1, 3], [1, 3, 0, 2])
