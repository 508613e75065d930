"""`cache info` and `cache clear` as functions."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.cache_admin import cache_info, clear_cache, training_info
from roadwork.embed.claims import LocalClaim
from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.local_blocks import folder_lock
from roadwork.errors import StoreError
from roadwork.locks import exclusive
from roadwork.publish import write_json

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
    removed = clear_cache(tmp_path, tmp_path, A.key[:12])
    assert [(entry.key, entry.rows) for entry in removed.entries] == [(A.key, 3)]
    assert [entry.key for entry in cache_info(tmp_path)] == [B.key]
    assert EmbeddingCache(tmp_path, A).lookup(["11" * 32]) == set()


def test_clear_all(tmp_path: Path) -> None:
    fill(tmp_path)
    assert len(clear_cache(tmp_path, tmp_path).entries) == 2
    assert cache_info(tmp_path) == []


@pytest.mark.parametrize("key", ["zz", ""])
def test_a_key_that_fits_none_or_several_lists_the_known_ones(tmp_path: Path, key: str) -> None:
    fill(tmp_path)
    with pytest.raises(StoreError, match="fingerprints start with") as caught:
        clear_cache(tmp_path, tmp_path, key)
    assert A.key[:12] in caught.value.fix
    assert len(cache_info(tmp_path)) == 2


def test_clear_waits_for_an_append(tmp_path: Path) -> None:
    fill(tmp_path)
    with folder_lock(tmp_path / "embeddings" / A.key):
        clearing = threading.Thread(target=clear_cache, args=(tmp_path, tmp_path, A.key))
        clearing.start()
        clearing.join(0.2)
        assert clearing.is_alive()
        assert (tmp_path / "embeddings" / A.key).exists()
    clearing.join(30)
    assert not (tmp_path / "embeddings" / A.key).exists()


def test_appending_after_a_clear_starts_afresh(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, A)
    clear_cache(tmp_path, tmp_path)
    cache.append(["11" * 32], np.ones((1, 3, 4), np.float16))
    assert cache.lookup(["11" * 32]) == {"11" * 32}
    assert cache_info(tmp_path)[0].fields == {"decoder": 1}


def test_the_facts_of_another_fingerprint_are_not_believed(tmp_path: Path) -> None:
    fill(tmp_path)
    path = tmp_path / "embeddings" / A.key / "fingerprint.json"
    write_json(path, {"key": A.key, "fields": {"decoder": 7}})
    assert next(entry for entry in cache_info(tmp_path) if entry.key == A.key).fields == {}
    EmbeddingCache(tmp_path, A)
    assert next(entry for entry in cache_info(tmp_path) if entry.key == A.key).fields == {"decoder": 1}


def test_info_is_not_disturbed_by_what_does_not_belong_there(tmp_path: Path) -> None:
    fill(tmp_path)
    area, folder = tmp_path / "embeddings", tmp_path / "embeddings" / A.key
    (area / "notes.txt").write_text("mine")
    (area / "a folder").mkdir()
    (area / ("f" * 64)).write_text("no folder")
    (area / ("e" * 64)).symlink_to("nowhere")
    (folder / "x.safetensors").mkdir()
    (folder / "y.safetensors").symlink_to("nowhere")
    (folder / "z.damaged").mkdir()
    os.mkfifo(folder / "pipe.safetensors")
    (folder / "fingerprint.json").unlink()
    (folder / "fingerprint.json").mkdir()
    (tmp_path / "training").write_text("no folder")
    assert training_info(tmp_path) == []
    by_key = {entry.key: entry for entry in cache_info(tmp_path)}
    assert set(by_key) == {A.key, B.key}
    assert (by_key[A.key].rows, by_key[A.key].fields) == (3, {})
    assert by_key[A.key].damaged_blocks == 4


def unfinished(root: Path, key: str) -> Path:
    folder = root / "training" / key
    (folder / "epochs_00003").mkdir(parents=True)
    (folder / "epochs_00003" / "state.safetensors").write_bytes(b"12345")
    (folder / ".epochs_00004.1-ab.partial").mkdir()
    return folder


def test_unfinished_trainings_are_listed_and_cleared(tmp_path: Path) -> None:
    fill(tmp_path)
    unfinished(tmp_path, "c" * 64)
    unfinished(tmp_path, "d" * 64)
    assert [(t.key[0], t.epochs, t.size_bytes) for t in training_info(tmp_path)] == [("c", 3, 5), ("d", 3, 5)]
    removed = clear_cache(tmp_path, tmp_path, "ccc")
    assert (removed.entries, [training.key for training in removed.trainings]) == ([], ["c" * 64])
    assert len(clear_cache(tmp_path, tmp_path).trainings) == 1
    assert training_info(tmp_path) == []
    assert list((tmp_path / "training").iterdir()) == []


def test_a_finished_training_that_nobody_publishes_is_listed_and_cleared(tmp_path: Path) -> None:
    folder = unfinished(tmp_path, "c" * 64)
    assert [training.finished for training in training_info(tmp_path)] == [False]
    shutil.rmtree(folder / "epochs_00003")
    (folder / "finished" / "head").mkdir(parents=True)
    (folder / "finished" / "head" / "head.safetensors").write_bytes(b"1234567")
    assert [(t.finished, t.epochs, t.size_bytes) for t in training_info(tmp_path)] == [(True, 0, 7)]
    assert [training.finished for training in clear_cache(tmp_path, tmp_path).trainings] == [True]
    assert list((tmp_path / "training").iterdir()) == []


def test_a_training_under_way_is_never_removed(tmp_path: Path) -> None:
    folder = unfinished(tmp_path, "c" * 64)
    with exclusive(folder.with_name(f"{folder.name}.lock")):
        assert clear_cache(tmp_path, tmp_path).busy == ["c" * 64]
        with pytest.raises(StoreError, match="another process is at work"):
            clear_cache(tmp_path, tmp_path, "ccc")
        assert folder.exists()
    clear_cache(tmp_path, tmp_path)
    assert not folder.exists()


def test_a_fingerprint_that_a_run_embeds_into_is_never_removed(tmp_path: Path) -> None:
    fill(tmp_path)
    cache = EmbeddingCache(tmp_path, A)
    claim = LocalClaim(cache.folder)
    with cache.locked():
        claim.hold(())
    removed = clear_cache(tmp_path, tmp_path)
    assert ([entry.key for entry in removed.entries], removed.busy) == ([B.key], [A.key])
    with pytest.raises(StoreError, match="another process is at work"):
        clear_cache(tmp_path, tmp_path, A.key)
    claim.release()
    assert [entry.key for entry in clear_cache(tmp_path, tmp_path).entries] == [A.key]
