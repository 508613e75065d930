"""The rows about Ray: what is divided by what."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks.row import Scale, UnequalError
from benchmarks.rows.ray_overhead import whole_row
from benchmarks.rows.scaling import (
    LOCAL,
    ONE,
    alternating,
    check_features,
    core_each_row,
    efficiency_row,
    memory_row,
    overhead_rows,
)
from benchmarks.stage_runs import StageRun
from benchmarks.suite import RAY, names_of


def run(start_s: float, photograph_s: float, *, peak: float = 1000, features: str = "f", count: int = 512) -> StageRun:
    return StageRun(count, start_s + count * photograph_s, photograph_s, peak, features)


def test_two_workers_that_are_twice_as_fast_are_fully_efficient():
    row = efficiency_row([(run(15, 0.08), run(17, 0.04))], "decoding")
    assert row.figure == pytest.approx(1.0)
    assert row.met
    assert row.detail["one"]["start_s"] == pytest.approx(15)


def test_a_worker_that_had_one_core_is_told_apart():
    row = core_each_row([(run(15, 0.09), run(17, 0.045))], "decoding")
    assert row.figure == pytest.approx(1.0)
    assert row.target is None


def test_a_second_worker_that_does_nothing_is_half():
    row = efficiency_row([(run(15, 0.08), run(15, 0.08))], "decoding")
    assert row.figure == pytest.approx(0.5)
    assert row.met is False


def test_the_start_is_told_apart_from_what_each_photograph_costs():
    rounds = [(run(3, 0.1), run(15, 0.11)), (run(3, 0.1), run(18, 0.13)), (run(3, 0.1), run(14, 0.1))]
    pace, start = overhead_rows(rounds, "decoding")
    assert (pace.figure, pace.low, pace.high) == pytest.approx((1.1, 1.0, 1.3))
    assert pace.met
    assert start.figure == pytest.approx(12)


def test_a_whole_run_counts_its_start():
    row = whole_row([(run(3, 0.1), run(15, 0.11))])
    assert row.figure == pytest.approx((15 + 56.32) / (3 + 51.2))
    assert row.met is False


def test_memory_that_grows_with_the_photographs_is_seen():
    few = run(1, 0.1, count=64)
    assert memory_row(few, run(1, 0.1, peak=1050)).met
    grown = memory_row(few, run(1, 0.1, peak=2000))
    assert grown.figure == pytest.approx(2.0)
    assert grown.met is False


def test_other_features_are_not_timed():
    check_features([run(1, 0.1), run(2, 0.2)])
    with pytest.raises(UnequalError, match="differ between engines"):
        check_features([run(1, 0.1), run(2, 0.2, features="other")])


def test_the_ways_take_turns():
    asked: list[dict] = []

    class Project:
        def embed(self, changes: dict) -> StageRun:
            asked.append(changes)
            return run(1, 0.1)

    runs: Sequence = alternating(Project(), (LOCAL, ONE), rounds=2)  # type: ignore[arg-type]
    assert asked == [LOCAL, ONE, LOCAL, ONE]
    assert [len(each) for each in runs] == [2, 2]


def test_the_suite():
    assert names_of(Scale(ray=True)) == RAY == ("scaling", "ray_overhead")
