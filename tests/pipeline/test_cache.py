"""`roadwork cache info` and `cache clear`, with copies of remote chunks among what they see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline import cache
from roadwork.train.chunk_cache import ChunkCache


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROADWORK_CACHE", str(tmp_path))
    return tmp_path


def test_copies_of_chunks_are_told_and_cleared_with_everything_else(root: Path) -> None:
    assert cache.question(None) is None
    ChunkCache("a" * 64, gigabytes=1).put(3, np.ones((4, 2, 8), np.float16))
    told = cache.info()
    assert told.result["chunks"]["copies"] == 1
    assert "copies of remote features" in told.text
    assert cache.question(None) is not None
    assert cache.question("abc") is None, "they belong to no fingerprint"
    cleared = cache.clear(None)
    assert cleared.result["deleted_chunks"]["copies"] == 1
    assert "copies of remote chunks" in cleared.text
    assert cache.info().result["chunks"]["copies"] == 0


def test_what_lies_here_stands_under_its_own_folder_where_the_cache_is_an_object_store(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADWORK_CACHE", "memory://of-a-test/cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(root))
    ChunkCache("a" * 64, gigabytes=1).put(3, np.ones((4, 2, 8), np.float16))
    first, second, third = cache.info().text.splitlines()
    assert first.startswith("memory://of-a-test/cache: 0 cached images of 0 fingerprints")
    assert second == f"{root / 'roadwork'}, on this machine:"
    assert "copies of remote features" in third
