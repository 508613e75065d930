"""The embedding cache: what was appended comes back, from whole blocks only."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.cache_block import read_block, read_block_ids, write_block
from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.zarr_folder import pack_ids
from roadwork.errors import StoreError

FINGERPRINT = Fingerprint({"backbone": {"name": "tiny"}, "views": {"grid": 3}, "decoder": 1})


def image_id(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def rows(*numbers: int) -> np.ndarray:
    """Row of image k: 2 views of 4 numbers, all k."""
    return np.repeat(np.array(numbers, np.float16), 8).reshape(len(numbers), 2, 4)


def put(cache: EmbeddingCache, *numbers: int) -> None:
    cache.append([image_id(n) for n in numbers], rows(*numbers))


def read(cache: EmbeddingCache, image_ids: list[str]) -> np.ndarray:
    return np.concatenate(list(cache.pieces(image_ids, images=2)))


def blocks(cache: EmbeddingCache) -> list[Path]:
    return sorted(cache.folder.glob("*.safetensors"))


def test_rows_come_back_in_the_order_asked(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1, 2, 3)
    put(cache, 4)
    again = EmbeddingCache(tmp_path, FINGERPRINT)
    asked = [4, 2, 2, 1]
    assert again.lookup([image_id(n) for n in (*asked, 9)]) == {image_id(n) for n in asked}
    assert np.array_equal(read(again, [image_id(n) for n in asked]), rows(*asked))


def test_another_fingerprint_sees_nothing(tmp_path: Path) -> None:
    put(EmbeddingCache(tmp_path, FINGERPRINT), 1)
    other = EmbeddingCache(tmp_path, Fingerprint({**FINGERPRINT.fields, "decoder": 2}))
    assert other.lookup([image_id(1)]) == set()


def test_the_fingerprint_stands_beside_the_blocks_for_people(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1)
    facts = json.loads((tmp_path / "embeddings" / FINGERPRINT.key / "fingerprint.json").read_text())
    assert facts == {"key": FINGERPRINT.key, "fields": FINGERPRINT.fields}


def test_a_block_is_named_by_its_bytes(tmp_path: Path) -> None:
    path = write_block(tmp_path, [image_id(1)], rows(1))
    assert path.name == hashlib.sha256(path.read_bytes()).hexdigest() + ".safetensors"
    ids, embeddings = read_block(path)
    assert ids == [image_id(1)]
    assert np.array_equal(embeddings, rows(1))


def test_the_same_block_twice_is_one_file(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1, 2)
    put(cache, 1, 2)
    assert len(blocks(cache)) == 1


def test_rows_that_two_processes_computed_are_harmless(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1, 2)
    put(cache, 2, 3)
    assert np.array_equal(read(cache, [image_id(n) for n in (1, 2, 3)]), rows(1, 2, 3))


@pytest.mark.parametrize("position", [0, 9, -70, -50, -1])  # length, header, rows, the ids of both images
def test_a_flipped_bit_sets_the_block_aside_and_its_rows_are_missing(
    tmp_path: Path, position: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1, 2)
    victim = blocks(cache)[0]
    put(cache, 3)
    content = bytearray(victim.read_bytes())
    content[position] ^= 0b100
    victim.write_bytes(content)
    again = EmbeddingCache(tmp_path, FINGERPRINT)
    assert again.lookup([image_id(n) for n in (1, 2, 3)]) == {image_id(3)}
    assert again.damaged_blocks == 1
    assert victim.with_name(victim.name + ".damaged").exists()
    assert not victim.exists()
    printed = capsys.readouterr().err
    assert victim.name in printed.replace("\n", "")
    assert "computed again" in printed
    with pytest.raises(StoreError, match="missing from the embedding cache"):
        read(again, [image_id(n) for n in (1, 2, 3)])
    put(again, 1, 2)
    assert np.array_equal(read(again, [image_id(n) for n in (1, 2, 3)]), rows(1, 2, 3))


@pytest.mark.parametrize("length", [0, 4, 100])
def test_a_truncated_block_is_set_aside(tmp_path: Path, length: int) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1)
    victim = blocks(cache)[0]
    victim.write_bytes(victim.read_bytes()[:length])
    assert cache.lookup([image_id(1)]) == set()
    assert cache.damaged_blocks == 1
    assert not victim.exists()


def test_a_block_that_cannot_be_read_is_passed_over_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1)
    victim = blocks(cache)[0]
    put(cache, 2)
    again = EmbeddingCache(tmp_path, FINGERPRINT)

    def refused(path: Path) -> list[str]:
        if path == victim:
            raise PermissionError(13, "Permission denied")
        return read_block_ids(path)

    monkeypatch.setattr("roadwork.embed.local_blocks.read_block_ids", refused)
    for _ in range(3):
        assert again.lookup([image_id(1), image_id(2)]) == {image_id(2)}
    assert again.damaged_blocks == 1
    assert capsys.readouterr().err.count("can't be read (Permission denied)") == 1
    assert victim.exists()
    put(again, 1)  # the same rows give the same name: the block is whole again
    assert np.array_equal(read(again, [image_id(1), image_id(2)]), rows(1, 2))


def test_a_folder_or_a_pipe_in_the_place_of_a_block_is_set_aside(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1)
    (cache.folder / "a.safetensors").mkdir()
    (cache.folder / "a.safetensors.damaged").mkdir()
    os.mkfifo(cache.folder / "b.safetensors")
    assert cache.lookup([image_id(1)]) == {image_id(1)}
    assert cache.damaged_blocks == 2
    assert len(blocks(cache)) == 1


def test_a_block_whose_name_fits_but_not_its_content_is_set_aside(tmp_path: Path) -> None:
    """What the checksum in the name can't tell: a block that was never one, and rows of another shape."""
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1)
    ids = pack_ids([image_id(2)])
    for tensors in (
        {"image_id": ids},
        {"image_id": ids, "embeddings": rows(2, 3)},
        {"image_id": ids, "embeddings": rows(2).astype(np.float32)},
        {"image_id": ids[:, :31].copy(), "embeddings": rows(2)},
    ):
        content = safetensors.numpy.save(tensors)
        (cache.folder / f"{hashlib.sha256(content).hexdigest()}.safetensors").write_bytes(content)
    assert cache.lookup([image_id(1), image_id(2)]) == {image_id(1)}
    assert cache.damaged_blocks == 4
    write_block(cache.folder, [image_id(4)], np.ones((1, 2, 9), np.float16))
    with pytest.raises(StoreError, match="missing"):
        read(cache, [image_id(1), image_id(4)])
    assert cache.damaged_blocks == 5


def test_a_damaged_description_is_written_again(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    for content in (b"{", b"[]", b"\xff", b'{"key": "x", "fields": {"decoder": 9}}'):
        (cache.folder / "fingerprint.json").write_bytes(content)
        put(cache, 1)
        assert json.loads((cache.folder / "fingerprint.json").read_text())["fields"] == FINGERPRINT.fields


def test_a_cache_that_vanishes_between_two_appends_is_made_anew(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "cache", FINGERPRINT)
    put(cache, 1)
    shutil.rmtree(tmp_path / "cache")
    assert cache.lookup([image_id(1)]) == set()
    put(cache, 2)
    assert cache.lookup([image_id(1), image_id(2)]) == {image_id(2)}
    assert sorted(path.name for path in (tmp_path / "cache" / "embeddings").iterdir()) == [FINGERPRINT.key]


def test_damage_after_the_lookup_is_found_when_rows_are_read(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1)
    assert cache.lookup([image_id(1)])
    victim = blocks(cache)[0]
    content = bytearray(victim.read_bytes())
    content[-40] ^= 1  # in the embeddings, which come before the 32 bytes of the id
    victim.write_bytes(content)
    with pytest.raises(StoreError, match=image_id(1)) as caught:
        read(cache, [image_id(1)])
    assert "only the missing rows" in caught.value.fix


def test_a_block_is_verified_once_however_often_its_rows_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    for start in range(0, 12, 3):
        put(cache, *range(start, start + 3))
    verified: list[Path] = []

    def counted(path: Path) -> tuple[list[str], np.ndarray]:
        verified.append(path)
        return read_block(path)

    monkeypatch.setattr("roadwork.embed.local_blocks.read_block", counted)
    order = [0, 11, 3, 7, 7, 1, 10, 2, 9, 4, 0]
    assert cache.lookup([image_id(n) for n in order]) == {image_id(n) for n in order}
    assert np.array_equal(read(cache, [image_id(n) for n in order]), rows(*order))
    assert sorted(verified) == blocks(cache)


def test_a_block_that_was_touched_is_verified_again_and_serves(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1, 2)
    pieces = cache.pieces([image_id(2), image_id(1)], images=1)
    assert np.array_equal(next(pieces), rows(2))
    os.utime(blocks(cache)[0], (1, 1))
    assert np.array_equal(next(pieces), rows(1))


def test_a_block_that_is_damaged_between_two_pieces_is_missed(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1, 2)
    pieces = cache.pieces([image_id(2), image_id(1)], images=1)
    next(pieces)
    victim = blocks(cache)[0]
    victim.write_bytes(victim.read_bytes()[:-70])
    with pytest.raises(StoreError, match=image_id(1)):
        next(pieces)
    assert cache.damaged_blocks == 1


def test_a_damaged_duplicate_falls_back_to_the_whole_one(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1, 2)
    put(cache, 1, 3)
    first = blocks(cache)[0]
    first.write_bytes(first.read_bytes()[:-1] + b"?")
    assert image_id(1) in cache.lookup([image_id(1)])
    assert np.array_equal(read(cache, [image_id(1)]), rows(1))


def test_partial_files_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    put(cache, 1)
    leftover = cache.folder / ".abc.safetensors.12345678.partial"
    leftover.write_bytes(b"half a block")
    again = EmbeddingCache(tmp_path, FINGERPRINT)
    assert not leftover.exists()
    assert again.lookup([image_id(1)]) == {image_id(1)}


def test_a_failed_append_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("roadwork.embed.cache_block.Path.write_bytes", full)
    with pytest.raises(StoreError, match="No space left") as caught:
        put(cache, 1)
    assert "ROADWORK_CACHE" in caught.value.fix
    assert not [f for f in cache.folder.iterdir() if f.name != "fingerprint.json"]


def test_a_cache_folder_that_cannot_be_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be written"):
        EmbeddingCache(tmp_path / "file", FINGERPRINT)


def test_rows_of_another_type_or_number_are_a_bug(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    with pytest.raises(ValueError, match="float32"):
        cache.append([image_id(1)], rows(1).astype(np.float32))
    with pytest.raises(ValueError, match="2 ids"):
        cache.append([image_id(1), image_id(2)], rows(1))


_WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_cache import FINGERPRINT, put
from roadwork.embed.cache import EmbeddingCache
cache = EmbeddingCache(Path(sys.argv[1]), FINGERPRINT)
start = int(sys.argv[2])
for number in range(start, start + 20):
    put(cache, number)
"""


def test_two_processes_append_at_once(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), str(start), here]) for start in (0, 10)]
    assert [writer.wait(timeout=300) for writer in writers] == [0, 0]
    cache = EmbeddingCache(tmp_path, FINGERPRINT)
    assert np.array_equal(read(cache, [image_id(n) for n in range(30)]), rows(*range(30)))
    assert cache.damaged_blocks == 0
    assert len(blocks(cache)) == 30  # images 10 to 19 were written by both: equal blocks are one file
