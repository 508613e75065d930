"""The rows about Ray: what is divided by what."""

from __future__ import annotations

import pytest

from benchmarks.row import Scale, UnequalError
from benchmarks.rows.scaling import Pair, check_features, efficiency_row, memory_row, overhead_rows
from benchmarks.stage_runs import StageRun
from benchmarks.suite import RAY, names_of


def pair(
    start_s: float, photograph_s: float, *, peaks: tuple[float, float] = (1000, 1050), features: str = "f"
) -> Pair:
    few, many = (
        StageRun(count, start_s + count * photograph_s, peak, f"{features}{count}")
        for count, peak in zip((64, 512), peaks, strict=True)
    )
    return Pair(few, many)


def test_two_workers_that_are_twice_as_fast_are_fully_efficient():
    row = efficiency_row([(pair(15, 0.08), pair(17, 0.04))], "decoding")
    assert row.figure == pytest.approx(1.0)
    assert row.met
    assert row.detail["one"]["start_s"] == pytest.approx(15)


def test_a_second_worker_that_does_nothing_is_half():
    row = efficiency_row([(pair(15, 0.08), pair(15, 0.08))], "decoding")
    assert row.figure == pytest.approx(0.5)
    assert row.met is False


def test_a_round_that_told_nothing_is_left_out():
    silent = pair(15, -0.001)
    assert efficiency_row([(pair(15, 0.08), silent)], "decoding").figure is None
    assert overhead_rows("scaling", [(silent, silent)], "decoding")[0].met is None
    assert efficiency_row([(pair(15, 0.08), silent), (pair(15, 0.08), pair(15, 0.04))], "x").figure == pytest.approx(1)


def test_the_start_is_told_apart_from_what_each_photograph_costs():
    slope, whole, start = overhead_rows("scaling", [(pair(3, 0.1), pair(15, 0.11))], "decoding")
    assert slope.figure == pytest.approx(1.1)
    assert slope.met
    assert whole.figure == pytest.approx((15 + 56.32) / (3 + 51.2))
    assert start.figure == pytest.approx(12)
    assert [row.name for row in (slope, whole, start)] == [
        "scaling.overhead", "scaling.overhead_with_start", "scaling.start",
    ]  # fmt: skip


def test_memory_that_grows_with_the_photographs_is_seen():
    assert memory_row([pair(1, 0.1)]).met
    grown = memory_row([pair(1, 0.1, peaks=(1000, 2000))])
    assert grown.figure == pytest.approx(2.0)
    assert grown.met is False


def test_other_features_are_not_timed():
    check_features(pair(1, 0.1), pair(2, 0.2))
    with pytest.raises(UnequalError, match="differ between engines"):
        check_features(pair(1, 0.1), pair(2, 0.2, features="other"))


def test_the_suite():
    assert names_of(Scale(ray=True)) == RAY == ("scaling", "ray_overhead")
