"""Features in an object store: the same bits, each chunk asked for once, and copies on this disk from then on."""

import hashlib
import json
import threading
import time
from collections import Counter
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
import torch

from roadwork.data.manifest import Manifest, manifest_frame, write_manifest
from roadwork.embed import zarr_folder
from roadwork.embed.store import open_image_store, write_image_store, write_text_store
from roadwork.errors import StoreError
from roadwork.storage.objects import delete_object, read_object, write_object
from roadwork.storage.place import place_of, reopened
from roadwork.train.chunk_cache import ChunkCache, held
from roadwork.train.data_digest import data_digest
from roadwork.train.embeddings import Resident
from roadwork.train.features import load_features
from roadwork.train.pretrain import pretrain
from roadwork.train.read_ahead import StoreReader
from roadwork.train.streamed import Streamed
from roadwork.train.windows import in_windows

N, VIEWS, DIM = 1100, 2, 3  # five chunks, the last of them short
IDS = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(N)]


@pytest.fixture
def root(monkeypatch, tmp_path):
    text = f"memory://{uuid4().hex}/features"
    monkeypatch.setenv("ROADWORK_FEATURES", text)
    monkeypatch.setenv("ROADWORK_CACHE", str(tmp_path / "cache"))
    return place_of(text, parameter="test")


@pytest.fixture(params=["chunks", "shards"])
def layout(request, monkeypatch):
    if request.param == "shards":
        monkeypatch.setattr(zarr_folder, "SHARDED_ABOVE", 600)
        monkeypatch.setattr(zarr_folder, "SHARD_CHUNKS", 3)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(N, VIEWS, DIM)).astype(np.float16)


@pytest.fixture
def path(root, rows, tmp_path):
    return write(tmp_path / "images.zarr", rows)


def write(path, rows):
    write_image_store(
        path, IDS, [rows], view_count=rows.shape[1], dim=rows.shape[2], attributes={"fingerprint": "x", "n": len(rows)}
    )
    return path


@pytest.fixture
def asked(monkeypatch):
    """Counts requests to the object store for what they ask."""
    from fsspec.implementations.memory import MemoryFileSystem

    counted = Counter()

    def counting(name):
        call = getattr(MemoryFileSystem, name)

        def counted_call(self, path, *args, **options):
            counted[name, path] += 1
            return call(self, path, *args, **options)

        return counted_call

    for name in ("cat_file", "info", "find", "ls"):
        monkeypatch.setattr(MemoryFileSystem, name, counting(name))
    return counted


def streamed(path, gigabytes=1.0, ahead_chunks=2):
    store = open_image_store(path)
    copies = ChunkCache(store.seal, gigabytes=gigabytes) if gigabytes else None
    return Streamed(StoreReader(store, ahead_chunks=ahead_chunks, copies=copies), np.arange(N))


def epoch(embeddings, number):
    drawn = torch.randint(N, (3 * N,), generator=torch.Generator().manual_seed(number))
    order = in_windows(drawn, embeddings, window_images=256, seed=1, epoch=number)
    return order, torch.cat([embeddings.gather(batch) for batch in order.split(32)])


def test_the_first_epoch_asks_for_each_chunk_once_and_the_second_for_nothing(layout, path, rows, asked):
    disk = streamed(path)
    asked.clear()
    order, found = epoch(disk, 1)
    assert torch.equal(found, torch.from_numpy(rows)[order])
    of_chunks = Counter({name: n for (_, name), n in asked.items() if "/c/" in name})
    assert sum(of_chunks.values()) <= 2 * 5, "at most an index and a chunk, each"
    assert held().copies == 5
    asked.clear()
    order, found = epoch(disk, 2)
    assert torch.equal(found, torch.from_numpy(rows)[order])
    assert not asked
    again = streamed(path)
    asked.clear()
    assert torch.equal(torch.cat(list(again.pieces(100))), torch.from_numpy(rows))
    assert not asked, "a later stage reads the copies too"


def test_without_copies_each_epoch_asks_again(path, rows, asked):
    disk = streamed(path, gigabytes=0)
    for number in (1, 2):
        asked.clear()
        order, found = epoch(disk, number)
        assert torch.equal(found, torch.from_numpy(rows)[order])
        assert sum("/c/" in name for _, name in asked) == 5
    assert held().copies == 0


def test_a_bound_too_small_for_all_keeps_some(path, rows, asked):
    copy_bytes = 256 * VIEWS * DIM * 2 + 32
    disk = streamed(path, gigabytes=3.5 * copy_bytes / 1e9)
    for number in (1, 2, 3):
        asked.clear()
        order, found = epoch(disk, number)
        assert torch.equal(found, torch.from_numpy(rows)[order])
        assert 0 < held().size_bytes <= 3.5 * copy_bytes
        assert sum("/c/" in name for _, name in asked) > 0


def test_a_damaged_copy_is_fetched_anew(path, rows, asked, tmp_path, capsys):
    disk = streamed(path)
    epoch(disk, 1)
    (folder,) = (tmp_path / "cache" / "chunks").iterdir()
    content = bytearray((folder / "3").read_bytes())
    content[77] ^= 1
    (folder / "3").write_bytes(content)
    asked.clear()
    assert torch.equal(torch.cat(list(disk.pieces(256))), torch.from_numpy(rows))
    assert [name.rpartition("/c/")[2] for _, name in asked] == ["3/0/0"]
    assert "is damaged: it is fetched anew" in capsys.readouterr().err


def test_damage_in_the_object_store_is_told_and_never_copied(path):
    place = reopened(json.loads((path / "location.json").read_text())["place"])
    chunk = place / "embeddings/c/2/0/0"
    content = bytearray(read_object(chunk))
    content[9] ^= 1
    write_object(chunk, bytes(content))
    disk = streamed(path)
    with pytest.raises(StoreError, match="damaged"):
        disk.gather(torch.arange(N))
    delete_object(chunk)
    disk = Streamed(disk._reader, np.arange(N))
    with pytest.raises(StoreError, match=r"(?s)embeddings"):
        disk.gather(torch.tensor([600]))
    assert not [file for file in ChunkCache("", gigabytes=1)._root.rglob("2") if file.is_file()]


def test_a_store_replaced_in_the_project_ends_the_reading_of_copies_too(path, rows):
    disk = streamed(path)
    epoch(disk, 1)
    write_image_store(path, IDS[:5], [rows[:5]], view_count=VIEWS, dim=DIM, attributes={})
    with pytest.raises(StoreError, match="replaced while it was being read"):
        epoch(disk, 2)


def test_several_chunks_are_fetched_at_a_time(path, monkeypatch):
    store = open_image_store(path)
    together = threading.Barrier(4, timeout=30)

    class Meeting:
        remote = True

        def __getattr__(self, name):
            return getattr(store, name)

        def chunk(self, number):
            if number < 4:
                together.wait()  # nobody goes on before four are under way
            return store.chunk(number)

    disk = Streamed(StoreReader(Meeting(), ahead_chunks=4), np.arange(N))
    assert len(disk.gather(disk.expect(torch.arange(1000)))) == 1000


def test_threads_leave_with_their_reader(path):
    def reading():
        return sum(thread.name == "store" for thread in threading.enumerate())

    before = reading()
    disk = streamed(path)
    disk.gather(torch.arange(9))
    assert reading() > before
    del disk
    for _ in range(100):
        if reading() <= before:
            break
        time.sleep(0.05)
    assert reading() <= before


@pytest.fixture
def project(root, tmp_path, rows):
    """The four inputs of `load_features`, the stores in an object store."""
    paths = [tmp_path / name for name in ("images.zarr", "text.zarr", "manifest.parquet", "folds.parquet")]
    write(paths[0], rows)
    text = np.random.default_rng(1).normal(size=(N, 8)).astype(np.float16)
    write_text_store(paths[1], IDS, text, np.arange(N) % 2 == 0, attributes={"fingerprint": "t"})
    told = [
        {"image_id": name, "path": f"{i}.jpg", "width_px": 10, "height_px": 10, "split": "train", "source": "s"}
        for i, name in enumerate(IDS)
    ]
    write_manifest(Manifest(manifest_frame(told), tmp_path), paths[2])
    pd.DataFrame({"image_id": IDS, "split": ["train"] * N, "block": range(N), "role_0": [""] * N}).to_parquet(paths[3])
    return paths


def test_a_table_from_there_is_the_one_from_here(layout, project, metadata_config, asked, monkeypatch, rows, tmp_path):
    kept = {"chunk_cache_gigabytes": 1.0}
    memory, there = (load_features(*project, metadata_config, features=where, **kept) for where in ("memory", "stream"))
    assert isinstance(memory.embeddings, Resident)
    assert isinstance(there.embeddings, Streamed)
    assert torch.equal(memory.embeddings.tensor, torch.from_numpy(rows))
    assert torch.equal(torch.cat(list(there.embeddings.pieces(300))), memory.embeddings.tensor)
    monkeypatch.delenv("ROADWORK_FEATURES")
    text = np.random.default_rng(1).normal(size=(N, 8)).astype(np.float16)
    elsewhere = project[:]
    write(project[0], rows)
    write_text_store(project[1], IDS, text, np.arange(N) % 2 == 0, attributes={"fingerprint": "t"})
    here = load_features(*elsewhere, metadata_config)
    assert torch.equal(here.metadata.text, there.metadata.text)
    assert here.digest == memory.digest == there.digest == data_digest(*project), "where it lies is no part of it"
    assert here.fingerprint == there.fingerprint


def test_in_memory_the_store_is_asked_for_each_chunk_once_and_a_later_stage_for_none(project, metadata_config, asked):
    for expected in (5, 0):
        asked.clear()
        load_features(*project, metadata_config, features="memory", chunk_cache_gigabytes=1.0)
        images = [name for _, name in asked.elements() if "/images-" in name and "/embeddings/c/" in name]
        read = Counter(images)
        assert sum(count > 1 for count in read.values()) == expected, "besides, the seal looks at each chunk's end"


def test_auto_says_where_features_are_streamed_from(project, metadata_config, monkeypatch, capsys):
    monkeypatch.setattr("roadwork.train.features.available_memory", lambda: 100)
    assert isinstance(load_features(*project, metadata_config).embeddings, Streamed)
    assert "streamed from the object store" in capsys.readouterr().err


def test_a_store_that_is_gone_names_its_place_and_stage(project, metadata_config):
    place = reopened(json.loads((project[0] / "location.json").read_text())["place"])
    delete_object(place / "zarr.json")
    for ask in (lambda: load_features(*project, metadata_config), lambda: data_digest(*project)):
        with pytest.raises(StoreError, match="gone or damaged") as caught:
            ask()
        assert str(place) in caught.value.where
        assert "roadwork embed_images" in caught.value.fix


@pytest.mark.parametrize("gigabytes", [0, 1])
def test_a_training_from_there_gives_the_bits_of_one_from_memory(
    root, table, pretraining, tmp_path, ignore, layout, gigabytes
):
    places = np.sort(np.random.default_rng(2).permutation(N)[: len(table)])
    rows = np.zeros((N, *table.embeddings.shape[1:]), np.float16)
    rows[places] = table.embeddings.tensor.numpy()
    there = streamed(write(tmp_path / "images.zarr", rows), gigabytes=gigabytes).take(places)
    setting = pretraining.setting
    setting = replace(setting, train=setting.train.model_copy(update={"window_images": 256}))
    config = pretraining.config.model_copy(update={"epochs": 2})
    memory, remote = (
        pretrain(
            replace(pretraining, table=replace(table, embeddings=embeddings), setting=setting, config=config),
            area=tmp_path / str(n),
            on_epoch=ignore,
        )
        for n, embeddings in enumerate((Resident(table.embeddings.tensor, places), there))
    )
    assert memory.details == remote.details
    for name, weight in memory.head.state_dict().items():
        assert torch.equal(weight, remote.head.state_dict()[name]), name
