"""Overlapped work: order, bounds, errors."""

from __future__ import annotations

import os
import threading
import time

import pytest

from roadwork.embed.decode_workers import overlapped, worker_count


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


def test_closing_early_ends_the_threads() -> None:
    results = overlapped(lambda number: number, range(100), workers=3, ahead=3)
    next(results)
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_auto_takes_the_usable_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    assert worker_count("auto") == 6
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(100)), raising=False)
    assert worker_count("auto") == 32
    assert worker_count(3) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert worker_count("auto") == 5
