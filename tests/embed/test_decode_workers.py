"""Overlapped work: order, bounds, errors."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from roadwork.embed.decode_workers import overlapped, worker_count
from roadwork.errors import DataError


def decoders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "decode"]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_keep_the_order_of_the_items(workers: int) -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.01 if number % 3 == 0 else 0)
        return number * number

    assert list(overlapped(slow_first, range(20), workers=workers, ahead=3)) == [n * n for n in range(20)]


def test_memory_is_bounded_by_workers_and_ahead() -> None:
    taken: list[int] = []

    def items():  # type: ignore[no-untyped-def]
        for number in range(1000):
            taken.append(number)
            yield number

    results = overlapped(lambda number: number, items(), workers=2, ahead=3)
    for _ in range(10):
        next(results)
    assert len(taken) <= 10 + 2 + 3
    results.close()


def test_two_items_are_worked_on_at_once() -> None:
    both = threading.Barrier(2, timeout=20)
    assert sorted(overlapped(lambda number: (both.wait(), number)[1], range(2), workers=2, ahead=0)) == [0, 1]


def test_an_error_comes_in_its_turn_and_stops_the_rest() -> None:
    begun: list[int] = []

    def fail_at_four(number: int) -> int:
        begun.append(number)
        if number == 4:
            raise LookupError("four")
        return number

    results = overlapped(fail_at_four, range(1000), workers=2, ahead=2)
    got = []
    with pytest.raises(LookupError, match="four"):
        got.extend(results)
    assert got == [0, 1, 2, 3]
    assert len(begun) <= 10


def test_an_error_of_the_items_themselves_comes_after_all_earlier_results() -> None:
    def items():  # type: ignore[no-untyped-def]
        yield from range(3)
        raise LookupError("no more")

    got = []
    with pytest.raises(LookupError, match="no more"):
        got.extend(overlapped(lambda number: number, items(), workers=2, ahead=5))
    assert got == [0, 1, 2]


def test_what_is_under_way_is_interrupted_when_the_run_ends() -> None:
    reached: list[int] = []

    def steps(number: int) -> int:
        while number:
            time.sleep(0.01)
            reached.append(number)
        return number

    results = overlapped(steps, range(3), workers=3, ahead=0, farewell_s=60)
    next(results)
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 30
    assert not decoders()
    assert set(reached) <= {1, 2}


def test_the_farewell_is_not_longer_than_asked_for() -> None:
    """A thread within one long call can't be interrupted."""
    release = threading.Event()
    results = overlapped(lambda n: n and release.wait(120), range(2), workers=2, ahead=0, farewell_s=0.2)
    next(results)
    began = time.monotonic()
    results.close()
    assert 0.1 < time.monotonic() - began < 60
    release.set()


_WITHIN_TORCH = """
import itertools
from contextlib import closing
import torch
from roadwork.embed.decode_workers import overlapped

def products(number):
    a = torch.randn(700, 700)
    with torch.inference_mode():
        while number:
            a @ a
    return number

with closing(overlapped(products, itertools.count(), workers=3, ahead=0, farewell_s=60)) as results:
    next(results)
    raise SystemExit(130)
"""


def test_a_process_that_ends_amid_products_does_not_abort() -> None:
    run = subprocess.run([sys.executable, "-c", _WITHIN_TORCH], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stderr) == (130, "")


def test_closing_early_ends_the_threads() -> None:
    results = overlapped(lambda number: number, range(100), workers=3, ahead=3)
    next(results)
    results.close()
    assert not decoders()


def test_auto_takes_the_usable_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    assert worker_count("auto") == 6
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(100)), raising=False)
    assert worker_count("auto") == 32
    assert worker_count(3) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert worker_count("auto") == 5


class Stall:
    """Work that stands still on the items of `where` until it is let go."""

    def __init__(self, *where: int) -> None:
        self.where = where
        self.release = threading.Event()
        self.began = 0

    def __call__(self, number: int) -> int:
        if number in self.where:
            self.began += 1
            self.release.wait(120)
        return number

    def run(self, count: int, *, workers: int, timeout_s: float = 0.5):  # type: ignore[no-untyped-def]
        return overlapped(self, range(count), workers=workers, ahead=2, timeout_s=timeout_s, late=lambda n: -n)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_an_item_that_stalls_is_late_and_the_others_keep_their_order(workers: int) -> None:
    stall = Stall(3, 4, 11)
    try:
        assert list(stall.run(20, workers=workers)) == [-n if n in stall.where else n for n in range(20)]
    finally:
        stall.release.set()


def test_a_stalled_worker_is_replaced() -> None:
    """With both workers standing still two more items are worked on at the same time."""
    stall = Stall(0, 1)
    both = threading.Barrier(2, timeout=60)

    def work(number: int) -> int:
        stall(number)
        if number >= 2:
            both.wait()
        return number

    try:
        results = overlapped(work, range(4), workers=2, ahead=2, timeout_s=0.2, late=lambda n: -1)
        assert list(results) == [-1, -1, 2, 3]
    finally:
        stall.release.set()


def test_what_a_late_worker_brings_is_dropped_and_it_ends() -> None:
    stall = Stall(0)
    results = stall.run(50, workers=1)
    assert next(results) == 0  # that is late: minus nought
    stall.release.set()
    assert list(results) == list(range(1, 50))
    for late in decoders():  # it was replaced, so nobody else waits for it
        late.join(60)
    assert not decoders()


def test_stalls_do_not_let_results_pile_up() -> None:
    taken: list[int] = []

    def items():  # type: ignore[no-untyped-def]
        for number in range(1000):
            taken.append(number)
            yield number

    stall = Stall(*range(5))
    results = overlapped(stall, items(), workers=2, ahead=3, timeout_s=0.1, late=lambda n: -1)
    try:
        for _ in range(8):
            next(results)
        assert len(taken) <= 8 + 2 + 3
    finally:
        stall.release.set()
        results.close()


def test_a_disk_that_answers_nothing_ends_the_run() -> None:
    stall = Stall(*range(100))
    try:
        with pytest.raises(DataError, match="16 photographs at the same time") as caught:
            list(stall.run(100, workers=8, timeout_s=0.05))
        assert "disk" in caught.value.fix
        assert stall.began <= 16 + 8
    finally:
        stall.release.set()


def test_time_in_which_nobody_waits_does_not_count() -> None:
    """The taker is busy for longer than the limit while the second item is under way."""
    begun, release = threading.Event(), threading.Event()

    def work(number: int) -> int:
        if number == 1:
            begun.set()
            release.wait(120)
        return number

    results = overlapped(work, range(2), workers=1, ahead=1, timeout_s=1.0, late=lambda n: -1)
    assert next(results) == 0
    assert begun.wait(60)
    time.sleep(1.2)
    release.set()
    assert next(results) == 1


def test_a_limit_needs_an_answer_for_those_beyond_it() -> None:
    with pytest.raises(ValueError, match="belong together"):
        next(overlapped(lambda number: number, range(3), workers=1, ahead=1, timeout_s=1.0))


_STANDS_STILL = """
import threading
from roadwork.embed.decode_workers import overlapped
stand = lambda number: threading.Event().wait()
print(list(overlapped(stand, range(2), workers=2, ahead=0, timeout_s=0.1, late=lambda number: "late")), flush=True)
"""


def test_a_worker_that_never_returns_does_not_keep_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _STANDS_STILL], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout == "['late', 'late']\n"
