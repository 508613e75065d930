"""Copies of chunks are what was put, or nothing; whole or not at all; no more than may be."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from roadwork.train.chunk_cache import ChunkCache, Held, clear, held

SEAL = "ab" * 32
SHAPE = (4, 2, 3)
COPY_BYTES = 4 * 2 * 3 * 2 + 32


def rows(number):
    return np.random.default_rng(number).normal(size=SHAPE).astype(np.float16)


def cache(root, copies=100, seal=SEAL):
    return ChunkCache(seal, gigabytes=copies * COPY_BYTES / 1e9, root=root)


def there(root, seal=SEAL):
    return sorted(int(file.name) for file in (root / "chunks" / seal).iterdir())


def test_what_was_put_is_got_by_any_process(tmp_path):
    cache(tmp_path).put(3, rows(3))
    found = cache(tmp_path).get(3, SHAPE)
    assert found.dtype == np.float16
    assert np.array_equal(found, rows(3))
    assert cache(tmp_path).get(4, SHAPE) is None
    assert cache(tmp_path, seal="cd" * 32).get(3, SHAPE) is None


def test_every_bit_of_a_copy_counts(tmp_path, capsys):
    kept = cache(tmp_path)
    kept.put(0, rows(0))
    file = tmp_path / "chunks" / SEAL / "0"
    whole = file.read_bytes()
    for place in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        file.write_bytes(flipped)
        assert kept.get(0, SHAPE) is None
        assert not file.exists(), "a damaged copy is in nobody's way"
    assert "is damaged: it is fetched anew" in capsys.readouterr().err


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b[1:], lambda b: b"", lambda b: b + b"x"])
def test_a_copy_of_another_length_is_none(tmp_path, change):
    kept = cache(tmp_path)
    kept.put(0, rows(0))
    file = tmp_path / "chunks" / SEAL / "0"
    file.write_bytes(change(file.read_bytes()))
    assert kept.get(0, SHAPE) is None


def test_a_copy_in_the_place_of_another_is_none(tmp_path):
    kept, folder = cache(tmp_path), tmp_path / "chunks"
    kept.put(0, rows(0))
    (folder / SEAL / "0").rename(folder / SEAL / "1")
    assert kept.get(1, SHAPE) is None
    kept.put(0, rows(0))
    (folder / SEAL).rename(folder / ("cd" * 32))
    assert cache(tmp_path, seal="cd" * 32).get(0, SHAPE) is None
    other = cache(tmp_path)
    other.put(0, rows(0))
    assert other.get(0, (2, 4, 3)) is not None, "rows of as many numbers: a store has one shape"
    assert other.get(0, (4, 2, 4)) is None


def test_the_copies_used_longest_ago_go_first(tmp_path):
    kept = cache(tmp_path, copies=4)
    for number in range(4):
        kept.put(number, rows(number))
        os.utime(tmp_path / "chunks" / SEAL / str(number), (number, number))
    assert there(tmp_path) == [0, 1, 2, 3]
    kept.get(0, SHAPE)
    kept.put(4, rows(4))
    assert there(tmp_path) == [0, 3, 4], "1 and 2 were used longest ago; a sixteenth of the bound is left free"
    assert held(tmp_path) == Held(3, 3 * COPY_BYTES)


def test_the_bound_is_of_all_stores_and_all_processes_together(tmp_path):
    first, second = cache(tmp_path, copies=4), cache(tmp_path, copies=4, seal="cd" * 32)
    for number in range(12):
        (first if number % 2 else second).put(number, rows(number))
        assert 0 < held(tmp_path).copies <= 4


def test_a_chunk_larger_than_the_bound_is_not_kept(tmp_path):
    for gigabytes in (0, (COPY_BYTES - 1) / 1e9):
        ChunkCache(SEAL, gigabytes=gigabytes, root=tmp_path).put(0, rows(0))
    assert held(tmp_path) == Held(0, 0)


def test_a_disk_that_takes_no_more_is_told_once_and_nothing_fails(tmp_path, capsys):
    (tmp_path / "chunks").write_text("in the way")
    kept = cache(tmp_path)
    for number in range(3):
        kept.put(number, rows(number))
        assert kept.get(number, SHAPE) is None
    told = capsys.readouterr().err
    assert told.count("no further copies of feature chunks are kept") == 1
    assert str(tmp_path) in told


def test_threads_share_one(tmp_path):
    kept = cache(tmp_path, copies=10)
    failed = []

    def work(first):
        for number in range(first, first + 40):
            kept.put(number % 20, rows(number % 20))
            found = kept.get(number % 20, SHAPE)
            if found is not None and not np.array_equal(found, rows(number % 20)):
                failed.append(number)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 20, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert held(tmp_path).copies <= 10


def test_a_kill_leaves_no_half_copy_and_the_next_process_tidies(tmp_path):
    code = (
        "import sys, itertools, numpy as np; from pathlib import Path\n"
        "from roadwork.train.chunk_cache import ChunkCache\n"
        "kept = ChunkCache('ab' * 32, gigabytes=1, root=Path(sys.argv[1]))\n"
        "for number in itertools.count():\n"
        "    kept.put(number % 7, np.full((256, 12, 128), number % 7, np.float16))\n"
        "    print(number, flush=True)"
    )
    shape = (256, 12, 128)
    for after in (1, 4, 9):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        for _ in range(after):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        kept = ChunkCache(SEAL, gigabytes=1, root=tmp_path)
        kept.put(100, np.zeros(shape, np.float16))
        assert not list((tmp_path / "chunks").rglob("*.partial"))
        for file in (tmp_path / "chunks" / SEAL).iterdir():
            found = kept.get(int(file.name), shape)
            assert found is not None
            assert (found == int(file.name) % 100).all()


def test_clearing_says_what_there_was(tmp_path):
    assert clear(tmp_path) == Held(0, 0)
    for number in range(3):
        cache(tmp_path).put(number, rows(number))
    assert clear(tmp_path) == Held(3, 3 * COPY_BYTES)
    assert held(tmp_path) == Held(0, 0)
    cache(tmp_path).put(0, rows(0))
    assert held(tmp_path).copies == 1


def test_it_lies_in_the_local_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ROADWORK_CACHE", str(tmp_path / "cache"))
    ChunkCache(SEAL, gigabytes=1).put(0, rows(0))
    assert (tmp_path / "cache" / "chunks" / SEAL / "0").is_file()
    assert held().copies == 1
