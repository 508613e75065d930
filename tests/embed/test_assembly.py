"""Rows of the cache become a store piece by piece, wherever and in whatever order the pieces are written."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from roadwork.embed.assembly import WriteJob, Written, assemble, run_job
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.store import read_image_store
from roadwork.errors import StoreError
from roadwork.storage.place import Place, place_of

FINGERPRINT = Fingerprint({"backbone": {"name": "toy"}, "views": {"size_px": 8}, "decoder": 1})
ATTRIBUTES = {"fingerprint": FINGERPRINT.key}
IMAGES = 700  # three chunks


def image_id(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


IDS = [image_id(number) for number in range(IMAGES)]


def rows(start: int, end: int) -> np.ndarray:
    return np.arange(8 * start, 8 * end).reshape(-1, 2, 4).astype(np.float16) / 8


@pytest.fixture(params=["folder", "object store"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return tmp_path / "cache"
    return place_of(f"memory://{uuid4().hex}/cache", parameter="p")


def filled(root: Place, *, twice: bool = False) -> EmbeddingCache:
    cache = EmbeddingCache(root, FINGERPRINT)
    for size in (64, 100) if twice else (64,):
        for start in range(0, IMAGES, size):
            end = min(start + size, IMAGES)
            cache.append(IDS[start:end], rows(start, end))
    cache.lookup(IDS)
    return cache


class Here:
    """An engine that only writes: jobs go through pickle, in the opposite order, `before` each something may happen."""

    name, piece = "here", None

    def __init__(self, before=lambda job: None) -> None:
        self.before = before
        self.starts: list[int] = []

    def compute(self, work: object) -> None:
        raise AssertionError("nothing is to be computed")

    def write(self, jobs: Iterable[WriteJob]) -> Iterator[Written]:
        for job in reversed(list(jobs)):
            self.before(job)
            self.starts.append(job.start)
            yield run_job(pickle.loads(pickle.dumps(job)))


def content(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_every_piece_is_written_once_and_the_store_is_the_rows(root: Place, tmp_path: Path) -> None:
    engine = Here()
    assert assemble(IDS, filled(root), engine, tmp_path / "a.zarr", ATTRIBUTES) == (2, 4)
    assert sorted(engine.starts) == [0, 256, 512]
    store = read_image_store(tmp_path / "a.zarr", image_ids=IDS)
    assert np.array_equal(store.embeddings, rows(0, IMAGES))
    assert store.attributes == ATTRIBUTES


def test_the_bytes_do_not_depend_on_order_or_on_how_blocks_are_cut(root: Place, tmp_path: Path) -> None:
    class InOrder(Here):
        def write(self, jobs: Iterable[WriteJob]) -> Iterator[Written]:
            return map(run_job, jobs)

    assemble(IDS, filled(root), Here(), tmp_path / "a.zarr", ATTRIBUTES)
    assemble(IDS, filled(root, twice=True), InOrder(), tmp_path / "b.zarr", ATTRIBUTES)
    assert content(tmp_path / "a.zarr") == content(tmp_path / "b.zarr")


def test_a_block_that_gets_lost_is_replaced_by_another_that_holds_its_rows(root: Place, tmp_path: Path) -> None:
    cache = filled(root, twice=True)
    ruined: list[str] = []

    def ruin(job: WriteJob) -> None:
        if not ruined:
            ruined.append(job.rows.rows[0][0])
            (cache.folder / ruined[0]).unlink()

    engine = Here(ruin)
    assemble(IDS, cache, engine, tmp_path / "a.zarr", ATTRIBUTES)
    assert len(engine.starts) > 3, "what couldn't be read was asked for again"
    assert np.array_equal(read_image_store(tmp_path / "a.zarr").embeddings, rows(0, IMAGES))


def test_rows_that_are_gone_for_good_publish_nothing(root: Place, tmp_path: Path) -> None:
    cache = filled(root)

    def ruin(job: WriteJob) -> None:
        for name, _ in job.rows.rows:
            if (cache.folder / name).exists():
                (cache.folder / name).unlink()

    with pytest.raises(StoreError, match="missing from the embedding cache"):
        assemble(IDS, cache, Here(ruin), tmp_path / "a.zarr", ATTRIBUTES)
    assert list(tmp_path.glob("*.zarr")) == []
    assert list(tmp_path.glob(".*")) == []


def test_places_are_taken_one_piece_at_a_time(root: Place, tmp_path: Path) -> None:
    """What a large store's places take in memory is bounded by what the engine asks for."""
    asked: list[int] = []

    class Lazy(Here):
        def write(self, jobs: Iterable[WriteJob]) -> Iterator[Written]:
            for job in jobs:
                asked.append(job.start)
                yield run_job(job)
                assert asked[-1] == job.start

    assemble(IDS, filled(root), Lazy(), tmp_path / "a.zarr", ATTRIBUTES)
    assert asked == [0, 256, 512]
