from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.ablation.bench import Bench
from pipeline.ablation.determinants import Determinants
from pipeline.ablation.repository import Repository, git


@pytest.fixture
def bench(toy: Path, tmp_path: Path) -> Bench:
    """Of the toy project with a file changed, one deleted, one new, one new but not code, and metrics outside git."""
    Path("params.yaml").write_text(Path("params.yaml").read_text() + "# changed\n")
    Path(".dvcignore").unlink()
    Path("roadwork").mkdir()
    Path("roadwork/new.py").write_text("new = 1\n")
    Path("photos").mkdir()
    Path("photos/large.jpg").write_text("")
    git("rm", "--quiet", "--cached", "metrics/embed_images.json", "metrics/sampling.json", folder=toy)
    git("commit", "--quiet", "--message", "metrics aren't tracked", folder=toy)
    Path(".git/info/exclude").write_text("/metrics/\n")
    return Bench.built(Repository.opened(toy), tmp_path / "bench", cache=toy / ".dvc" / "cache")


def test_a_bench_holds_the_working_tree_with_what_isnt_committed(bench: Bench, toy: Path) -> None:
    assert (bench.folder / "params.yaml").read_bytes() == (toy / "params.yaml").read_bytes()
    assert (bench.folder / "roadwork" / "new.py").is_file()
    assert (bench.folder / "metrics" / "embed_images.json").is_file()
    assert (bench.folder / "metrics" / "sampling.json").is_file()
    assert not (bench.folder / ".dvcignore").exists()
    assert not (bench.folder / "photos").exists()
    assert git("rev-parse", "HEAD", folder=bench.folder).strip() == bench.head == Repository.opened(toy).head
    assert git("status", "--porcelain", folder=bench.folder).splitlines()


def test_a_bench_knows_what_is_given_and_nothing_after(bench: Bench, toy: Path) -> None:
    lock = YAML(typ="safe", pure=True).load((bench.folder / "dvc.lock").read_text())
    whole = YAML(typ="safe", pure=True).load((toy / "dvc.lock").read_text())
    assert set(lock["stages"]) == {"ingest", "tile", "embed_images", "embed_text", "folds", "sampling"}
    assert all(whole["stages"][name] == stage for name, stage in lock["stages"].items())
    assert Determinants.of(toy).data


def test_a_bench_leaves_the_project_alone(bench: Bench, toy: Path) -> None:
    assert git("stash", "list", folder=toy) == ""
    assert "refs/stash" not in git("for-each-ref", folder=toy)
    assert Path(".dvcignore").exists() is False
    assert "dvc.lock" not in git("status", "--porcelain", folder=toy)


def test_an_earlier_bench_that_a_kill_left_is_replaced(bench: Bench, toy: Path) -> None:
    (bench.folder / ".git" / "index.lock").write_text("")
    (bench.folder / "left").write_text("")
    again = Bench.built(Repository.opened(toy), bench.folder, cache=toy / ".dvc" / "cache")
    assert again == bench
    assert not (bench.folder / "left").exists()


def test_every_run_starts_from_the_same_tree(bench: Bench, tmp_path: Path) -> None:
    for line in ("first", "second"):
        (bench.folder / "params.yaml").write_text(f"{line}: what an experiment leaves\n")
        (bench.folder / "roadwork" / "new.py").unlink()
        process = bench.run(["--version"], dict(os.environ), tmp_path / "logs" / line)
        while process.poll() is None:
            time.sleep(0.05)
        assert process.poll() == 0
        assert (tmp_path / "logs" / line).read_text().strip()
        assert (bench.folder / "params.yaml").read_text().endswith("# changed\n")
        assert (bench.folder / "roadwork" / "new.py").is_file()
        assert git("write-tree", folder=bench.folder).strip() == bench.tree


def test_its_commands_find_this_interpreter_first_and_no_outer_dvc_or_git(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.ablation.bench._DVC", [sys.executable, "-c", "import os; print(dict(os.environ))"])
    outer = {"GIT_DIR": "/elsewhere", "DVC_STAGE": "pretrain", "DVC_ROOT": "/elsewhere", "PATH": "/bin", "KEPT": "1"}
    process = bench.run([], outer, tmp_path / "log")
    while process.poll() is None:
        time.sleep(0.05)
    found = eval((tmp_path / "log").read_text())
    assert found["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/bin"]
    assert not {"GIT_DIR", "DVC_STAGE", "DVC_ROOT"} & set(found)
    assert found["KEPT"] == "1"
    assert found["DVC_EXP_AUTO_PUSH"] == "false"


def test_its_data_are_links_into_the_projects_cache(toy: Path, tmp_path: Path) -> None:
    cache = toy / ".dvc" / "cache"
    bench = Bench.built(Repository.opened(toy), tmp_path / "bench", cache=cache)
    bench.check_out(dict(os.environ))
    bench.check_current(dict(os.environ))
    data = bench.folder / "features" / "images.zarr"
    assert data.read_text() == "embed_images"
    assert not stat.S_IMODE(data.stat().st_mode) & 0o222
    assert not (bench.folder / ".dvc" / "cache").exists()
    assert (bench.folder / ".dvc" / "tmp" / "site").is_dir()
    assert Determinants.of(bench.folder) == Determinants.of(toy)
