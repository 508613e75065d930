"""The sharing out of photographs, with the other process played in the same one: each has a claim of its own."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.claims import LocalClaim, living_claims
from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.photograph import Photograph
from roadwork.embed.worklist import Worklist
from roadwork.errors import PhotographError

FINGERPRINT = Fingerprint({"decoder": 1})


def name(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def cache(root: Path) -> EmbeddingCache:
    return EmbeddingCache(root, FINGERPRINT)


def worklist(root: Path, count: int = 10, *, patience_s: float = 1000.0) -> Worklist:
    photos = [Photograph(name(n), Path(str(n)), np.zeros((1, 4), np.int32), 1) for n in range(count)]
    return Worklist(photos, cache(root), piece=4, patience_s=patience_s)


def put(root: Path, *numbers: int) -> None:
    rows = np.random.default_rng(numbers[0]).standard_normal((len(numbers), 2, 3)).astype(np.float16)
    cache(root).append([name(n) for n in numbers], rows)


def numbers(photos: Iterator[Photograph]) -> list[int]:
    return [int(photo.path.name) for photo in photos]


def claimed(root: Path) -> set[str]:
    return {image_id for claim in living_claims(cache(root).folder) for image_id in claim.image_ids}


@pytest.fixture
def other(tmp_path: Path) -> Iterator[LocalClaim]:
    """The claim of another run."""
    claim = LocalClaim(cache(tmp_path).folder)
    yield claim
    claim.release()


def test_what_the_cache_lacks_is_claimed_piece_by_piece_as_it_is_wanted(tmp_path: Path) -> None:
    put(tmp_path, 0, 5)
    with worklist(tmp_path) as work:
        assert work.look_up() == 8
        assert claimed(tmp_path) == set()
        photos = iter(work)
        assert numbers(islice(photos, 1)) == [1]
        assert claimed(tmp_path) == {name(n) for n in (1, 2, 3, 4)}
        assert numbers(islice(photos, 4)) == [2, 3, 4, 6]
        assert claimed(tmp_path) == {name(n) for n in (1, 2, 3, 4, 6, 7, 8, 9)}
        assert numbers(photos) == [7, 8, 9]
    assert not (cache(tmp_path).folder / "claims").exists()


def test_finished_and_failed_photographs_are_no_longer_claimed(tmp_path: Path) -> None:
    with worklist(tmp_path) as work:
        work.look_up()
        photos = iter(work)
        first = list(islice(photos, 4))
        put(tmp_path, 0, 1)
        work.add([name(0), name(1)])
        work.fail(first[2], PhotographError("broken"))
        next(photos)
        assert claimed(tmp_path) == {name(n) for n in (3, 4, 5, 6, 7)}
        assert work.computed == {name(0), name(1)}
        assert list(work.failures) == [name(2)]


def test_what_another_run_is_at_is_left_to_it(tmp_path: Path, other: LocalClaim) -> None:
    other.hold([name(1), name(2), name(7)])
    with worklist(tmp_path) as work:
        assert work.look_up() == 10
        assert numbers(iter(work)) == [0, 3, 4, 5, 6, 8, 9]


def test_what_another_run_finished_meanwhile_is_not_embedded(tmp_path: Path) -> None:
    done = 0

    def advance(items: int = 1) -> None:
        nonlocal done
        done += items

    with worklist(tmp_path) as work:
        work.look_up()
        work.count_with(advance)
        put(tmp_path, 2, 3, 9)
        assert numbers(iter(work)) == [0, 1, 4, 5, 6, 7, 8]
        assert done == 3
        assert work.wait() is False


def test_a_run_waits_for_the_rows_of_another_and_claims_nothing_meanwhile(
    tmp_path: Path, other: LocalClaim, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other.hold([name(1), name(2)])
    naps = 0

    def nap(_: float) -> None:
        nonlocal naps
        naps += 1
        assert claimed(tmp_path) == {name(1), name(2)}
        if naps == 3:
            put(tmp_path, 1, 2)

    with worklist(tmp_path) as work:
        work.look_up()
        rest = numbers(iter(work))
        put(tmp_path, *rest)
        work.add(name(n) for n in rest)
        monkeypatch.setattr("roadwork.embed.worklist.time.sleep", nap)
        assert work.wait() is False
    assert naps == 3
    printed = capsys.readouterr().err
    assert printed.count("waiting for their rows") == 1
    assert "2 images are left to process" in printed


def test_what_a_dead_run_had_claimed_is_taken_over(
    tmp_path: Path, other: LocalClaim, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.hold([name(1), name(2)])
    monkeypatch.setattr("roadwork.embed.worklist.time.sleep", lambda _: other.release())
    with worklist(tmp_path) as work:
        work.look_up()
        rest = numbers(iter(work))
        put(tmp_path, *rest)
        work.add(name(n) for n in rest)
        assert work.wait() is True
        assert numbers(iter(work)) == [1, 2]


def test_a_run_that_stands_still_is_not_waited_for_until_it_goes_on(
    tmp_path: Path, other: LocalClaim, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.hold([name(1)])
    now = 0.0
    monkeypatch.setattr("roadwork.embed.worklist.time.monotonic", lambda: now)

    def nap(_: float) -> None:
        nonlocal now
        now += 40

    monkeypatch.setattr("roadwork.embed.worklist.time.sleep", nap)
    with worklist(tmp_path, 2, patience_s=100.0) as work:
        work.look_up()
        assert numbers(iter(work)) == [0]
        work.add([name(0)])
        assert work.wait() is True
        assert now == 120
        assert numbers(iter(work)) == [1]
    other.beat()
    with worklist(tmp_path, 2, patience_s=100.0) as work:
        work.look_up()
        assert numbers(iter(work)) == [0]


def test_two_runs_never_have_the_same_photograph_and_none_is_left_out(tmp_path: Path) -> None:
    """Threads with a worklist each, more photographs than pieces: every one is embedded exactly once."""
    taken: list[list[int]] = [[] for _ in range(3)]
    start = threading.Barrier(3, timeout=60)

    def embed(place: int) -> None:
        with worklist(tmp_path, 60) as work:
            work.look_up()
            start.wait()
            left = True
            while left:
                for photo in work:
                    number = int(photo.path.name)
                    taken[place].append(number)
                    put(tmp_path, number)
                    work.add([photo.image_id])
                left = work.wait()
            assert len(work.computed) == len(taken[place])

    threads = [threading.Thread(target=embed, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert sorted(number for each in taken for number in each) == list(range(60))
    assert len(cache(tmp_path).lookup([name(n) for n in range(60)])) == 60
    assert not (cache(tmp_path).folder / "claims").exists()


def test_the_work_of_taking_pieces_does_not_grow_with_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block's ids are read once at most, however many pieces are taken."""
    reads: list[str] = []
    from roadwork.embed import local_blocks

    whole = local_blocks.read_block_ids
    monkeypatch.setattr(local_blocks, "read_block_ids", lambda path: (reads.append(path.name), whole(path))[1])
    with worklist(tmp_path, 80) as work:
        work.look_up()
        reads.clear()
        for photo in work:
            put(tmp_path, int(photo.path.name))  # another run writes it: this one has to look
            work.add([photo.image_id])
    assert len(reads) == len(set(reads)) > 70
