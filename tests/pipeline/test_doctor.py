from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline import doctor
from pipeline.doctor import run
from roadwork.embed import hub

ROOT = Path(__file__).resolve().parents[2]
GIB = 2**30


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    (folder / ".dvc").mkdir(parents=True)
    shutil.copy2(ROOT / "params.yaml", folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ROADWORK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub.socket, "create_connection", _refuse)
    monkeypatch.setattr(hub, "getproxies", dict)
    _with_free(monkeypatch, 50 * GIB)
    return folder


def _with_free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """As if the disk had `size` bytes free, however full the machine of the tests is."""
    usage = SimpleNamespace(total=100 * GIB, used=100 * GIB - size, free=size)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _path: usage)


def _refuse(*_args: object, **_named: object) -> None:
    raise OSError("no network")


def statuses(project: Path) -> dict[str, str]:
    return {finding["name"]: finding["status"] for finding in run(project / "params.yaml").result["findings"]}


def test_a_sound_project_passes_and_says_what_is_limited(project: Path) -> None:
    outcome = run(project / "params.yaml")
    assert outcome.passed, outcome.text
    seen = {finding["name"]: finding for finding in outcome.result["findings"]}
    assert list(seen) == [
        "Python", "packages", "GPU", "bf16", "xFormers", "model hub", "cluster", "cache", "features", "disk", "DVC",
        "parameters",
    ]  # fmt: skip
    assert seen["model hub"]["status"] == "note"
    assert "local" in seen["model hub"]["fix"]
    assert seen["cache"]["detail"].startswith(str(project.parent / "cache"))
    assert "torch" in seen["packages"]["detail"]


def test_a_bad_parameter_is_a_problem_named(project: Path) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("gamma: 2.0", "gamma: -2.0"), encoding="utf-8")
    outcome = run(params)
    assert not outcome.passed
    assert "loss.gamma" in outcome.text


def test_a_full_disk_is_a_problem_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _with_free(monkeypatch, GIB // 2)
    outcome = run(project / "params.yaml")
    assert not outcome.passed
    assert "0.5 GiB free here" in outcome.text
    assert statuses(project)["disk"] == "problem"


def test_another_folder_is_no_project(project: Path) -> None:
    shutil.rmtree(project / ".dvc")
    assert statuses(project)["DVC"] == "problem"


def test_a_repository_without_commits_is_told(project: Path) -> None:
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    assert statuses(project)["DVC"] == "note"


def test_a_missing_and_an_old_package_are_problems(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "requires", lambda name: ["timm>=999", "no-such-package-at-all"])
    outcome = run(project / "params.yaml")
    assert not outcome.passed
    assert "no-such-package-at-all is missing" in outcome.text
    assert "needed >=999" in outcome.text


def test_a_cache_that_cannot_be_made_is_a_problem(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "file").write_text("")
    monkeypatch.setenv("ROADWORK_CACHE", str(project / "file" / "cache"))
    assert statuses(project)["cache"] == "problem"


def test_ray_is_missed_only_where_it_is_asked_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    assert statuses(project)["cluster"] == "ok"
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("engine: local", "engine: ray"), encoding="utf-8")
    outcome = run(params)
    assert statuses(project)["cluster"] == "problem"
    assert "ingest.engine, embed.engine: ray" in outcome.text
    assert "pip install -e '.[ray]'" in outcome.text


def test_a_hub_behind_a_proxy_is_not_tried(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "getproxies", lambda: {"https": "http://user:secret@proxy:3128"})
    outcome = run(project / "params.yaml")
    assert "through a proxy, which wasn't tried" in outcome.text
    assert "secret" not in outcome.text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("members: 3", "members: 7", "`ensemble.members` is 7, and finetune.folds lists 5 folds"),
        ("vit_huge_plus_patch16_dinov3.lvd1689m", "vit_hug_plus_patch16_dinov3", "has no model"),
        ("weights: random", "weights: none.safetensors", "there is no weights file none.safetensors"),
    ],
)
def test_what_only_a_late_stage_would_refuse_is_a_problem_now(project: Path, old: str, new: str, message: str) -> None:
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8")
    assert old in text
    params.write_text(text.replace(old, new), encoding="utf-8")
    outcome = run(params)
    assert not outcome.passed
    assert message in outcome.text


def test_weights_that_are_there_are_no_problem(project: Path) -> None:
    params = project / "params.yaml"
    (project / "w.safetensors").write_bytes(b"")
    params.write_text(params.read_text().replace("weights: random", "weights: w.safetensors"), encoding="utf-8")
    assert statuses(project)["parameters"] == "ok"


@pytest.mark.parametrize("variable", ["ROADWORK_CACHE", "ROADWORK_FEATURES"])
def test_a_place_that_cannot_be_one_is_a_problem(project: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "ftp://host/folder")
    name = variable.rpartition("_")[2].lower()
    assert statuses(project)[name] == "problem"


def test_an_object_store_is_tried(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORK_FEATURES", "memory://doctor/features")
    found = {finding["name"]: finding for finding in run(project / "params.yaml").result["findings"]}
    assert found["features"]["status"] == "ok"
    assert found["features"]["detail"].startswith("memory://doctor/features")
