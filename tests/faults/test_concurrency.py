"""Several runs of `embed_images` at once on one cache: all finish, no row is computed twice, none is lost.

That the runs really meet is arranged with SIGSTOP: a run is held after its first block, with photographs claimed, until
the others have come to what only it can give them.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from harness.nursery import Nursery, Workplace
from harness.parameters import set_parameters
from harness.reference import Reference
from harness.trees import cache_differences, cached_rows, temporaries, tree

from roadwork.data.manifest import read_manifest, write_manifest

pytestmark = pytest.mark.slow

STAGE = ("embed_images",)
STORE = Path("features", "images.zarr")
LONG_S = 300


class Run:
    """One run of the stage, in a process of its own."""

    def __init__(self, nursery: Nursery, place: Workplace) -> None:
        self.place = place
        self.process, _, self._output = nursery.start(place, STAGE)

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def until(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LONG_S
        while not reached():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.002)

    def hold_at_its_first_block(self) -> None:
        """Stop it when it has finished a block and has more to do, but not while it holds the cache's lock."""
        before = len(blocks(self.place.cache))
        self.until(lambda: len(blocks(self.place.cache)) > before)
        self.until(self._stopped_without_the_lock)

    def _stopped_without_the_lock(self) -> bool:
        self.send(signal.SIGSTOP)
        while psutil.Process(self.process.pid).status() != psutil.STATUS_STOPPED:
            assert self.process.poll() is None, self.output
            time.sleep(0.001)
        if not list(self.place.cache.glob("embeddings/*.lock")):
            return True
        self.send(signal.SIGCONT)
        return False

    def until_it_waits(self) -> None:
        self.until(lambda: "waiting for their rows" in self.output)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def finish(self) -> dict[str, int]:
        """Let it end; its metrics."""
        assert self.process.wait(LONG_S) == 0, self.output
        return json.loads((self.place.project / "metrics" / "embed_images.json").read_text())


@contextmanager
def runs(nursery: Nursery) -> Iterator[Callable[[Workplace], Run]]:
    """Starts runs, of which none is left afterwards."""
    started: list[Run] = []

    def start(place: Workplace) -> Run:
        started.append(Run(nursery, place))
        return started[-1]

    try:
        yield start
    finally:
        for run in started:
            if run.process.poll() is None:
                run.process.kill()
            run.process.wait()


def blocks(cache: Path) -> list[Path]:
    return list(cache.glob("embeddings/*/*.safetensors"))


def projects(reference: Reference, folder: Path, count: int, *, block_images: int = 4) -> list[Workplace]:
    """As many projects, all as the stage finds them, with one cache."""
    first = reference.copy(STAGE, folder / "0")
    set_parameters(first.project / "params.yaml", {"embed.block_images": block_images})
    others = [Workplace(folder / str(number), first.cache) for number in range(1, count)]
    for other in others:
        shutil.copytree(first.project, other.project)
    return [first, *others]


def check(reference: Reference, tally: Any, *places: Workplace) -> None:
    """Every project has the store of a solo run; the cache has every row once, and nothing that doesn't belong."""
    solo = reference.after(STAGE)
    for place in places:
        assert tree(place.project / STORE) == tree(solo.project / STORE)
        assert temporaries(place) == []
    assert list(places[0].cache.glob("embeddings/*/claims")) == []
    rows, wanted = cached_rows(places[0].cache), cached_rows(solo.cache)
    tally.add("rows lost", len(wanted.keys() - rows.keys()))
    tally.add("rows doubled", sum(len(found) - 1 for found in rows.values()))
    assert cache_differences(places[0].cache, solo.cache) == []


def test_two_runs_share_the_work_and_the_one_waits_for_the_other(
    tmp_path: Path, nursery: Nursery, reference: Reference, tally: Any
) -> None:
    one, other = projects(reference, tmp_path, 2)
    with runs(nursery) as start:
        first = start(one)
        first.hold_at_its_first_block()
        second = start(other)
        second.until_it_waits()
        first.send(signal.SIGCONT)
        reports = first.finish(), second.finish()
    assert all(report["rows"] == 48 for report in reports)
    assert sum(report["computed"] for report in reports) == 48
    assert all(report["computed"] > 0 for report in reports)
    assert all(report["reused"] == 48 - report["computed"] for report in reports)
    check(reference, tally, one, other)


@pytest.mark.faults
def test_what_a_killed_run_had_claimed_is_taken_over(
    tmp_path: Path, nursery: Nursery, reference: Reference, tally: Any
) -> None:
    one, other = projects(reference, tmp_path, 2)
    with runs(nursery) as start:
        first = start(one)
        first.hold_at_its_first_block()
        second = start(other)
        second.until_it_waits()
        finished = len(cached_rows(one.cache))
        first.send(signal.SIGKILL)
        report = second.finish()
    tally.add("kills")
    tally.add("faults survived")
    assert 0 < 48 - finished < 48
    assert report["computed"] >= 48 - finished
    check(reference, tally, other)
    with runs(nursery) as start:
        assert start(one).finish()["computed"] == 0
    check(reference, tally, one, other)


@pytest.mark.faults
def test_three_runs_in_one_project(tmp_path: Path, nursery: Nursery, reference: Reference, tally: Any) -> None:
    (place,) = projects(reference, tmp_path, 1)
    with runs(nursery) as start:
        first = start(place)
        first.hold_at_its_first_block()
        second = start(place)
        second.hold_at_its_first_block()
        third = start(place)
        third.until_it_waits()
        for run in (second, first):
            run.send(signal.SIGCONT)
        for run in (first, second, third):
            run.finish()
    check(reference, tally, place)


@pytest.mark.faults
def test_overlapping_manifests(tmp_path: Path, nursery: Nursery, reference: Reference, tally: Any) -> None:
    """A project with some of the photographs beside one with all of them."""
    whole, part = projects(reference, tmp_path, 2)
    path = part.project / "data" / "manifest.parquet"
    manifest = read_manifest(path)
    write_manifest(replace(manifest, frame=manifest.frame[1::2].reset_index(drop=True)), path)
    assert nursery.run(part, ("tile",)).code == 0
    with runs(nursery) as start:
        first = start(part)
        first.hold_at_its_first_block()
        second = start(whole)
        second.until_it_waits()
        first.send(signal.SIGCONT)
        some, every = first.finish(), second.finish()
    assert every["rows"] == 48
    assert some["rows"] == 24
    assert some["computed"] + every["computed"] == 48
    check(reference, tally, whole)
    alone = Workplace(tmp_path / "alone", tmp_path / "fresh")
    shutil.copytree(part.project, alone.project)
    assert nursery.run(alone, STAGE).code == 0
    assert tree(alone.project / STORE) == tree(part.project / STORE)


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("seed", range(2))
def test_one_of_three_runs_is_ended_at_a_random_moment(
    tmp_path: Path, nursery: Nursery, reference: Reference, tally: Any, number: signal.Signals, seed: int
) -> None:
    places = projects(reference, tmp_path, 3, block_images=2)
    when = random.Random(seed * 100 + number).randrange(1, 20)
    with runs(nursery) as start:
        running = [start(place) for place in places]
        running[0].until(lambda: len(blocks(places[0].cache)) >= when)
        victim = running[random.Random(seed).randrange(3)]
        victim.send(number)
        for run in running:
            if run is not victim:
                run.finish()
        assert victim.process.wait(LONG_S) in (0, 130, 143, -number)  # it may have been finished by then
        tally.add("kills")
        tally.add("faults survived")
        start(victim.place).finish()
    check(reference, tally, *places)
