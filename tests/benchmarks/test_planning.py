"""The planning table: its arithmetic, and that the page holds what the repository's rates and assumptions give."""

from __future__ import annotations

import pytest

from benchmarks.planning import (
    ASSUMPTIONS,
    BEGIN,
    END,
    PAGE,
    SIZES,
    Rates,
    plan,
    planned_page,
    planning_table,
    read_assumptions,
    read_rates,
    with_planning,
)

RATES = Rates(cut_s=0.09, decode_s=0.036, machine="a machine")
ASSUMED = {
    "photograph_megabytes": 3.0,
    "model_tflop": 36.0, "gpu_tflops": 360.0, "gpu_hour_dollars": 2.0, "core_hour_dollars": 0.1,
    "gigabyte_month_dollars": 0.02, "thousand_writes_dollars": 5.0, "thousand_reads_dollars": 1.0,
    "reads_per_photograph": 2.0, "reads_per_block": 3.0,
}  # fmt: skip


def test_ten_thousand_photographs():
    found = plan(10_000, RATES, ASSUMED, block_images=50)
    assert found.photographs_gb == pytest.approx(30)
    assert found.gpu_hours == pytest.approx(10_000 * 0.1 / 3600)
    assert found.decode_core_hours == pytest.approx(0.25)
    assert found.ingest_core_hours == pytest.approx(0.1)
    assert found.cores_per_gpu == pytest.approx(0.9)
    assert found.cache_gb == found.store_gb == pytest.approx(10_000 * (12 * 1280 * 2 + 32) / 1e9)
    assert found.writes == 200 + 40  # blocks of 50, chunks of 256
    assert found.reads == 20_000 + 600
    assert found.compute_dollars == pytest.approx(found.gpu_hours * 2 + 0.035)
    assert found.request_dollars == pytest.approx(0.240 * 5 + 20.6)
    assert found.month_dollars == pytest.approx(2 * found.cache_gb * 0.02)


def test_a_million_photographs_are_written_in_shards():
    found = plan(10**6, RATES, ASSUMED, block_images=64)
    assert found.writes == 15_625 + 245  # of 4,096


def test_costs_grow_as_the_photographs_do():
    small, large = (plan(size, RATES, ASSUMED, block_images=64) for size in (10**6, 10**8))
    for name in ("gpu_hours", "decode_core_hours", "cache_gb", "compute_dollars", "month_dollars"):
        assert getattr(large, name) == pytest.approx(100 * getattr(small, name))
    assert large.cores_per_gpu == small.cores_per_gpu


def test_the_rates_are_those_that_were_measured():
    rates = read_rates()
    assert 0.01 < rates.decode_s < rates.cut_s < 1
    assert "4032×3024" in rates.machine


def test_every_assumption_is_named_beside_the_table():
    assumptions = read_assumptions()
    table = planning_table(read_rates(), assumptions, block_images=64)
    assert ASSUMPTIONS.name in table
    for entry in assumptions.values():
        assert f"{entry['value']:g} {entry['unit']}: {entry['why']}" in table
    assert all(f"{size:,}" in table.splitlines()[0] for size in SIZES)
    assert "NOT measured" in table


def test_only_what_stands_between_the_marks_is_replaced():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert with_planning(page, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    for broken in ("", BEGIN, f"{END}\n{BEGIN}"):
        with pytest.raises(ValueError, match="needs the lines"):
            with_planning(broken, "new")


def test_the_page_holds_the_table_of_these_rates_and_assumptions():
    page = PAGE.read_text(encoding="utf-8")
    assert planned_page(page) == page, "run `make planning`"
