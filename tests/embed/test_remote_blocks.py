"""The embedding cache in an object store: the same rows, the same repairs, without locks."""

from __future__ import annotations

import hashlib
from uuid import uuid4

import numpy as np
import pytest

from roadwork.embed import remote_blocks
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.cache_admin import cache_info, clear_cache
from roadwork.embed.fingerprint import Fingerprint
from roadwork.errors import StoreError
from roadwork.storage.objects import delete_object, listed, read_object, write_object
from roadwork.storage.place import place_of

FINGERPRINT = Fingerprint({"backbone": {"name": "toy"}, "views": {"size_px": 8}, "decoder": 1})


def image_id(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def rows(*numbers: int) -> np.ndarray:
    return np.stack([np.full((2, 4), number, np.float16) for number in numbers])


@pytest.fixture
def root():
    return place_of(f"memory://{uuid4().hex}/cache", parameter="p")


def put(root, *numbers: int) -> str:
    """Append one block; its name."""
    cache = EmbeddingCache(root, FINGERPRINT)
    before = {entry.name for entry in listed(cache.folder)}
    cache.append([image_id(n) for n in numbers], rows(*numbers))
    (name,) = {entry.name for entry in listed(cache.folder)} - before
    return name


def get(cache: EmbeddingCache, *numbers: int) -> np.ndarray:
    ids = [image_id(n) for n in numbers]
    assert cache.lookup(ids) == set(ids)
    return np.concatenate(list(cache.pieces(ids, images=2)))


def test_rows_come_back_in_any_order_and_any_process_sees_them(root) -> None:
    put(root, 1, 2, 3)
    put(root, 4)
    cache = EmbeddingCache(root, FINGERPRINT)
    assert np.array_equal(get(cache, 4, 2, 2, 1, 3), rows(4, 2, 2, 1, 3))
    assert cache.lookup([image_id(9)]) == set()
    put(root, 9)
    assert cache.lookup([image_id(9)]) == {image_id(9)}


def test_blocks_are_the_bytes_that_a_folder_would_hold(root, tmp_path) -> None:
    name = put(root, 1, 2)
    local = EmbeddingCache(tmp_path, FINGERPRINT)
    local.append([image_id(1), image_id(2)], rows(1, 2))
    assert (local.folder / name).read_bytes() == read_object(EmbeddingCache(root, FINGERPRINT).folder / name)


def test_a_flipped_bit_is_found_where_the_rows_are_read_and_another_block_serves(root) -> None:
    name = put(root, 1, 2)
    folder = EmbeddingCache(root, FINGERPRINT).folder
    content = bytearray(read_object(folder / name))
    content[-40] ^= 1  # in the ids' neighbourhood or the rows: anywhere counts
    content[len(content) // 2] ^= 1
    write_object(folder / name, bytes(content))
    cache = EmbeddingCache(root, FINGERPRINT)
    with pytest.raises(StoreError, match="missing"):
        list(cache.pieces([image_id(1)], images=1))
    names = [entry.name for entry in listed(folder)]
    assert name not in names
    assert any(each.startswith(name) and each.endswith(".damaged") for each in names)
    assert cache.damaged_blocks == 1
    put(root, 2, 1)
    assert np.array_equal(get(cache, 1, 2), rows(1, 2))


@pytest.mark.parametrize("cut", [0, 5, 60, -1])
def test_a_block_that_ends_early_counts_as_missing(root, cut: int) -> None:
    name = put(root, 1, 2)
    folder = EmbeddingCache(root, FINGERPRINT).folder
    write_object(folder / name, read_object(folder / name)[:cut])
    cache = EmbeddingCache(root, FINGERPRINT)
    assert cache.lookup([image_id(1)]) == set()
    assert cache.damaged_blocks == 1


def test_a_block_that_vanishes_meanwhile_counts_as_missing(root) -> None:
    name = put(root, 1)
    cache = EmbeddingCache(root, FINGERPRINT)
    assert cache.lookup([image_id(1)])
    shape = cache.row_shape([image_id(1)])
    delete_object(cache.folder / name)
    assert shape == (2, 4)
    with pytest.raises(StoreError, match="missing"):
        list(cache.pieces([image_id(1)], images=1))


def test_a_block_is_fetched_whole_once_and_later_only_its_rows(root, monkeypatch) -> None:
    put(root, *range(20))
    cache = EmbeddingCache(root, FINGERPRINT)
    asked: list[tuple] = []
    fetch = remote_blocks.read_object

    def counted(place, *part):
        asked.append(part)
        return fetch(place, *part)

    monkeypatch.setattr(remote_blocks, "read_object", counted)
    get(cache, *range(20))
    assert asked.count(()) == 1
    cache._blocks._held.clear()  # as after reading other blocks
    asked.clear()
    assert np.array_equal(get(cache, 7), rows(7))
    assert () not in asked
    assert len(asked) == 1


def test_what_is_held_in_memory_is_bounded(root, monkeypatch) -> None:
    monkeypatch.setattr(remote_blocks, "_HELD_BYTES", 2 * 16 * 4)
    for number in range(0, 20, 4):
        put(root, *range(number, number + 4))
    cache = EmbeddingCache(root, FINGERPRINT)
    get(cache, *range(20))
    assert sum(block.nbytes for block in cache._blocks._held.values()) <= 2 * 16 * 4


def test_info_and_clear_see_an_object_store_too(root, tmp_path) -> None:
    put(root, 1, 2)
    put(root, 2, 3)
    write_object(root / "notes.txt", b"mine")
    (entry,) = cache_info(root)
    assert (entry.rows, entry.blocks, entry.damaged_blocks) == (3, 2, 0)
    assert entry.fields == FINGERPRINT.fields
    assert len(clear_cache(root, tmp_path).entries) == 1
    assert cache_info(root) == []
    assert read_object(root / "notes.txt") == b"mine"


def test_clear_leaves_what_a_living_process_works_on(root, tmp_path) -> None:
    put(root, 1)
    claim = EmbeddingCache(root, FINGERPRINT).claim()
    claim.hold([image_id(5)])
    assert clear_cache(root, tmp_path).busy == [FINGERPRINT.key]
    claim.release()
    assert len(clear_cache(root, tmp_path).entries) == 1
