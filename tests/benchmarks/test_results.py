"""Results on disk and on the page."""

import json
from pathlib import Path

import pytest

import benchmarks
from benchmarks.machine import machine_facts
from benchmarks.page import BEGIN, END, with_results
from benchmarks.results import FOLDER, merged, read_results, results_path, rows_of, write_results
from benchmarks.row import Row, Target
from benchmarks.suite import CPU, GPU, RAY
from benchmarks.table import markdown_table, summary, verdict

TAKEN = {"date": "2026-01-01", "commit": "0123456789", "load": 0.1, "seconds": 3.0}
FAST = Row("views.fast", "ours against | theirs", 0.25, "×", 0.2, 0.3, Target("at most", 0.33), detail={"ours": 1 / 3})
SLOW = Row("views.slow", "another", 0.5, "×", target=Target("at most", 0.33), limit="the cores are shared")
UNSEEN = Row("gpu.images", "images a second", None, "images/s", target=Target("at least", 3), note="no CUDA device")


@pytest.fixture(scope="module")
def machine() -> dict:
    return machine_facts()


def test_a_row_knows_whether_its_target_is_met() -> None:
    assert [row.met for row in (FAST, SLOW, UNSEEN, Row("a", "b", 1.0, ""))] == [True, False, None, None]
    assert [verdict(row) for row in (FAST, SLOW, UNSEEN)] == ["met", "NOT met", "not measured"]
    assert Target("at least", 3).met_by(3)
    assert not Target("at least", 3).met_by(2.9)


def test_the_summary_names_what_is_not_met() -> None:
    text = summary([FAST, SLOW, UNSEEN])
    assert text.splitlines() == ["1 of 3 targets are met", "  NOT met: views.slow", "  not measured: gpu.images"]


def test_results_come_back_as_they_were_measured(tmp_path: Path, machine: dict) -> None:
    path = tmp_path / "new" / "cpu.json"
    assert read_results(path) is None
    write_results(path, merged(None, "views", [FAST, SLOW], machine=machine, taken=TAKEN))
    found = read_results(path)
    assert found is not None
    again = rows_of(found, "views")
    assert (again[0].figure, again[0].target, again[0].met) == (0.25, FAST.target, True)
    assert again[0].detail == {"ours": 0.3333}
    assert again[1] == SLOW
    assert rows_of(found, "other") == []


def test_a_benchmark_replaces_its_own_rows_only(machine: dict) -> None:
    both = merged(None, "views", [FAST], machine=machine, taken=TAKEN)
    both = merged(both, "loop", [SLOW], machine=machine, taken=TAKEN)
    both = merged(both, "views", [UNSEEN], machine=machine, taken=TAKEN)
    assert [row.name for row in rows_of(both, "views")] == ["gpu.images"]
    assert [row.name for row in rows_of(both, "loop")] == ["views.slow"]


def test_each_machine_and_suite_has_its_own_file(machine: dict) -> None:
    machine = machine | {"cpu": "AMD EPYC 9B45 (x)", "cpu_cores": 2, "gpu": {"name": "NVIDIA H200"}}
    assert results_path(Path("r"), machine, gpu=True) == Path("r/gpu-nvidia-h200.json")
    assert results_path(Path("r"), machine, gpu=False) == Path("r/cpu-amd-epyc-9b45-x-2-cores.json")


def test_facts_are_json_and_name_nobody(machine: dict) -> None:
    text = json.dumps(machine)
    assert machine["cpu_cores"] > 0
    assert machine["libraries"]["torch"]
    assert str(Path.home()) not in text


def test_the_page_shows_all_results_between_its_marks(tmp_path: Path, machine: dict) -> None:
    page = f"# Title\n{BEGIN}\nold\n{END}\nafter\n"
    assert "Nothing was measured yet." in with_results(page, tmp_path)
    write_results(tmp_path / "a.json", merged(None, "views", [FAST], machine=machine, taken=TAKEN))
    new = with_results(page, tmp_path)
    assert new.startswith(f"# Title\n{BEGIN}\n")
    assert new.endswith(f"{END}\nafter\n")
    assert "old" not in new
    assert r"| ours against \| theirs | 0.25 × | 0.2 to 0.3 | at most 0.33 | met |" in new
    assert with_results(new, tmp_path) == new
    with pytest.raises(ValueError, match="in this order"):
        with_results(f"{END} {BEGIN}", tmp_path)


def test_figures_are_written_for_people() -> None:
    rows = [Row("a", "b", 12345.6, "images/s"), Row("a", "b", 3.0, ""), Row("a", "b", 0.123456, "")]
    cells = [line.split(" | ")[1] for line in markdown_table(rows).splitlines()[2:]]
    assert cells == ["12,346 images/s", "3", "0.123"]


def test_the_committed_page_is_that_of_the_committed_results() -> None:
    page = Path(benchmarks.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert with_results(page, FOLDER) == page


def test_every_benchmark_is_there_and_explained() -> None:
    page = Path(benchmarks.__file__).with_name("README.md").read_text(encoding="utf-8")
    rows = Path(benchmarks.__file__).with_name("rows")
    there = {path.stem for path in rows.glob("*.py")} - {"__init__"}
    assert there == {*CPU, *GPU, *RAY}
    explained = page.partition(BEGIN)[0]
    assert [name for name in there if f"`{name}`" not in explained] == []
