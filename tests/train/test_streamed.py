"""Embeddings on the disk give what those in memory give, in any order of asking, and hold no more than they may."""

import hashlib
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadwork.embed.store import open_image_store, write_image_store
from roadwork.errors import StoreError
from roadwork.train.embeddings import Resident
from roadwork.train.inference import answers
from roadwork.train.pretrain import fresh_head, pretrain
from roadwork.train.read_ahead import StoreReader
from roadwork.train.streamed import Streamed
from roadwork.train.windows import in_windows

N, VIEWS, DIM = 1100, 2, 3  # five chunks, the last of them short


def write(path, rows):
    ids = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(len(rows))]
    write_image_store(path, ids, [rows], view_count=rows.shape[1], dim=rows.shape[2], attributes={"fingerprint": "x"})
    return open_image_store(path)


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(N, VIEWS, DIM)).astype(np.float16)


@pytest.fixture(scope="module")
def store(rows, tmp_path_factory):
    return write(tmp_path_factory.mktemp("store") / "images.zarr", rows)


@pytest.fixture
def both(rows, store):
    return Resident(torch.from_numpy(rows)), Streamed(StoreReader(store, ahead_chunks=2), np.arange(N))


class Counted:
    """A store that counts which chunks are read."""

    def __init__(self, store):
        self.store, self.chunks = store, []

    def __getattr__(self, name):
        return getattr(self.store, name)

    def chunk(self, number):
        self.chunks.append(number)
        return self.store.chunk(number)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    taken=st.lists(st.integers(0, N - 1), min_size=1, max_size=60),
    asked=st.lists(st.lists(st.integers(0, 59), max_size=9), max_size=6),
    announced=st.lists(st.integers(0, 59), max_size=60),
)
def test_whatever_was_announced_the_rows_are_those_in_memory(both, taken, asked, announced):
    memory, disk = (embeddings.take(np.array(taken)) for embeddings in both)
    assert memory.shape == disk.shape
    assert np.array_equal(memory.store_rows, disk.store_rows)
    disk.expect(torch.tensor([row % len(taken) for row in announced], dtype=torch.int64))
    for some in asked:
        index = torch.tensor([row % len(taken) for row in some], dtype=torch.int64)
        assert torch.equal(memory.gather(index), disk.gather(index))


@pytest.mark.parametrize("images", [1, 100, 256, 300, 5000])
def test_pieces_are_all_rows_in_order(both, images):
    which = np.random.default_rng(1).permutation(N)[:700]
    for embeddings in both:
        pieces = list(embeddings.take(which).pieces(images))
        assert {len(piece) for piece in pieces[:-1]} <= {images}
        assert torch.equal(torch.cat(pieces), both[0].tensor[torch.from_numpy(which)])


def test_an_announced_epoch_reads_each_chunk_once_and_holds_two_at_a_time(store):
    counted = Counted(store)
    reader = StoreReader(counted, ahead_chunks=2)
    disk = Streamed(reader, np.arange(N))
    drawn = torch.randint(N, (3 * N,), generator=torch.Generator().manual_seed(1))
    order = in_windows(drawn, disk, window_images=256, seed=1, epoch=1)
    on_device = disk.to(torch.device("cpu"))  # as a training moves its table
    for batch in order.split(32):
        on_device.gather(batch)
        assert len(disk._ahead._held) <= 2
    assert sorted(counted.chunks) == [0, 1, 2, 3, 4]
    assert not disk._ahead._held


def test_rows_nobody_announced_are_not_read_again_and_again(store):
    counted = Counted(store)
    disk = Streamed(StoreReader(counted, ahead_chunks=2), np.arange(N))
    for batch in torch.arange(N).split(32):
        disk.gather(batch)
    assert counted.chunks == [0, 1, 2, 3, 4]


def test_reading_goes_on_while_rows_are_used(store):
    read = threading.Event()

    class Waiting(Counted):
        def chunk(self, number):
            if number == 3:
                read.set()
            return super().chunk(number)

    disk = Streamed(StoreReader(Waiting(store), ahead_chunks=2), np.arange(N))
    disk.expect(torch.tensor([0, 1, 800]))
    disk.gather(torch.tensor([0]))
    assert read.wait(30), "the chunk of row 800 is read before it is asked for"


def test_damage_and_replacement_are_told(rows, tmp_path):
    opened = write(tmp_path / "images.zarr", rows)
    disk = Streamed(StoreReader(opened, ahead_chunks=2), np.arange(N))
    chunk = next(path for path in (tmp_path / "images.zarr" / "embeddings" / "c").rglob("*") if path.is_file())
    content = bytearray(chunk.read_bytes())
    content[5] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        disk.gather(torch.arange(N))
    write(tmp_path / "images.zarr", rows + 1)
    with pytest.raises(StoreError, match="replaced while it was being read"):
        disk.gather(torch.arange(N))


@pytest.fixture
def twins(table, tmp_path):
    """The same table in memory and on the disk; its images are strewn over five chunks."""
    places = np.sort(np.random.default_rng(2).permutation(N)[: len(table)])
    rows = np.zeros((N, *table.embeddings.shape[1:]), np.float16)
    rows[places] = table.embeddings.tensor.numpy()
    store = write(tmp_path / "images.zarr", rows)
    disk = Streamed(StoreReader(store, ahead_chunks=2), np.arange(N)).take(places)
    return replace(table, embeddings=Resident(table.embeddings.tensor, places)), replace(table, embeddings=disk)


def test_answers_from_the_disk_are_those_from_memory(twins, spec):
    head = fresh_head(spec, 1)
    one, two = (answers(head, table, batch_size=32, device=torch.device("cpu")) for table in twins)
    for told, same in zip(one, two, strict=True):
        assert torch.equal(told.nan_to_num(), same.nan_to_num())


@pytest.mark.parametrize("window_images", [256, 32768])
def test_a_training_from_the_disk_gives_the_bits_of_one_from_memory(
    twins, pretraining, tmp_path, ignore, window_images
):
    setting = pretraining.setting
    setting = replace(setting, train=setting.train.model_copy(update={"window_images": window_images}))
    config = pretraining.config.model_copy(update={"epochs": 2})
    memory, disk = (
        pretrain(
            replace(pretraining, table=table, setting=setting, config=config), area=tmp_path / str(n), on_epoch=ignore
        )
        for n, table in enumerate(twins)
    )
    assert memory.details == disk.details
    for name, weight in memory.head.state_dict().items():
        assert torch.equal(weight, disk.head.state_dict()[name]), name
