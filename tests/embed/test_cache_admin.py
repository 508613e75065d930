"""`cache info` and `cache clear` as functions."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from roadwork.embed.cache import EmbeddingCache, cache_lock
from roadwork.embed.cache_admin import cache_info, clear_cache
from roadwork.embed.fingerprint import Fingerprint
from roadwork.errors import StoreError

A, B = Fingerprint({"decoder": 1}), Fingerprint({"decoder": 2})


def fill(root: Path) -> None:
    zeros = np.zeros((2, 3, 4), np.float16)
    EmbeddingCache(root, A).append(["11" * 32, "22" * 32], zeros)
    EmbeddingCache(root, A).append(["22" * 32, "33" * 32], zeros)
    EmbeddingCache(root, B).append(["11" * 32, "44" * 32], zeros)


def test_info_counts_rows_blocks_and_bytes(tmp_path: Path) -> None:
    assert cache_info(tmp_path) == []
    fill(tmp_path)
    by_key = {entry.key: entry for entry in cache_info(tmp_path)}
    assert set(by_key) == {A.key, B.key}
    entry = by_key[A.key]
    assert (entry.rows, entry.blocks, entry.damaged_blocks, entry.fields) == (3, 2, 0, {"decoder": 1})
    files = [f for f in (tmp_path / "embeddings" / A.key).iterdir() if f.is_file()]
    assert entry.size_bytes == sum(len(f.read_bytes()) for f in files)


def test_info_counts_damage_and_survives_a_lost_description(tmp_path: Path) -> None:
    fill(tmp_path)
    folder = tmp_path / "embeddings" / A.key
    next(folder.glob("*.safetensors")).write_bytes(b"??")
    (folder / "fingerprint.json").write_text("{")
    entry = next(entry for entry in cache_info(tmp_path) if entry.key == A.key)
    assert (entry.rows, entry.damaged_blocks, entry.fields) == (2, 1, {})


def test_clear_one_by_the_start_of_its_key(tmp_path: Path) -> None:
    fill(tmp_path)
    removed = clear_cache(tmp_path, A.key[:12])
    assert [(entry.key, entry.rows) for entry in removed] == [(A.key, 3)]
    assert [entry.key for entry in cache_info(tmp_path)] == [B.key]
    assert EmbeddingCache(tmp_path, A).lookup(["11" * 32]) == set()


def test_clear_all(tmp_path: Path) -> None:
    fill(tmp_path)
    assert len(clear_cache(tmp_path)) == 2
    assert cache_info(tmp_path) == []


@pytest.mark.parametrize("key", ["zz", ""])
def test_a_key_that_fits_none_or_several_lists_the_known_ones(tmp_path: Path, key: str) -> None:
    fill(tmp_path)
    with pytest.raises(StoreError, match="fingerprints start with") as caught:
        clear_cache(tmp_path, key)
    assert A.key[:12] in caught.value.fix
    assert len(cache_info(tmp_path)) == 2


def test_clear_waits_for_an_append(tmp_path: Path) -> None:
    fill(tmp_path)
    with cache_lock(tmp_path / "embeddings" / A.key):
        clearing = threading.Thread(target=clear_cache, args=(tmp_path, A.key))
        clearing.start()
        clearing.join(0.2)
        assert clearing.is_alive()
        assert (tmp_path / "embeddings" / A.key).exists()
    clearing.join(30)
    assert not (tmp_path / "embeddings" / A.key).exists()


def test_appending_after_a_clear_starts_afresh(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, A)
    clear_cache(tmp_path)
    cache.append(["11" * 32], np.ones((1, 3, 4), np.float16))
    assert cache.lookup(["11" * 32]) == {"11" * 32}
    assert cache_info(tmp_path)[0].fields == {"decoder": 1}
