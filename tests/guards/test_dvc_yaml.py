"""`dvc.yaml` says what is true: every stage, its whole code, its real parameters, and outputs that git ignores."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline import paths
from pipeline.closure import stage_closure
from pipeline.declared_deps import code_files, is_code, with_code_deps
from pipeline.stages import STAGES
from roadwork.config import read_params

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = YAML(typ="safe", pure=True).load(TEXT)
DECLARED: dict[str, dict[str, Any]] = DOCUMENT["stages"]

# What can't change a result is no dependency of any stage.
HARMLESS = {
    "embed", "ingest.engine", "train.device", "train.features", "train.chunk_cache_gigabytes", "finetune.together",
}  # fmt: skip


def names(entries: list[Any]) -> list[str]:
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def test_the_stages_are_the_stages() -> None:
    assert list(DECLARED) == list(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_names_its_import_closure(stage: str) -> None:
    declared = [ROOT / dep for dep in DECLARED[stage]["deps"] if is_code(dep)]
    files = {file.relative_to(ROOT).as_posix() for dep in declared for file in code_files(dep)}
    closure = {name for name in stage_closure(stage, ROOT) if not name.endswith("/__init__.py")}
    assert closure <= files, f"run `make deps`: {sorted(closure - files)}"
    before = list(STAGES)[: list(STAGES).index(stage) + 1]
    known = {name for other in before for name in stage_closure(other, ROOT)}
    more = {name for name in files - known if not name.endswith("/__init__.py")}
    assert not more, f"no code of this stage or of one before it: {sorted(more)}"


def test_make_deps_changes_nothing_else() -> None:
    assert with_code_deps(TEXT, ROOT) == TEXT


@pytest.mark.parametrize("stage", STAGES)
def test_the_command_runs_this_checkout(stage: str) -> None:
    command = DECLARED[stage]["cmd"]
    expected = f"python -m pipeline {stage}" + (" ${item.fold}" if stage == "finetune" else "")
    assert command == expected, "a console script would run the installed checkout's code in `dvc exp run --temp`"


@pytest.mark.parametrize("stage", STAGES)
def test_declared_parameters_exist(stage: str) -> None:
    params = read_params(ROOT / "params.yaml")
    for dotted in DECLARED[stage].get("params", []):
        value: Any = params
        for part in dotted.split("."):
            assert part in value, f"{stage}: {dotted}"
            value = value[part]


def test_every_parameter_that_can_change_a_result_is_a_dependency() -> None:
    declared = {dotted for stage in DECLARED.values() for dotted in stage.get("params", [])} | HARMLESS

    def uncovered(prefix: str, value: Any) -> list[str]:
        if prefix in declared:
            return []
        if isinstance(value, dict):
            return [name for key, item in value.items() for name in uncovered(f"{prefix}.{key}", item)]
        return [prefix]

    params = read_params(ROOT / "params.yaml")
    assert [name for key, value in params.items() for name in uncovered(key, value)] == []


def test_harmless_parameters_re_run_nothing() -> None:
    declared = {dotted for stage in DECLARED.values() for dotted in stage.get("params", [])}
    assert not {d for d in declared if d in {"train", "finetune"} or d in HARMLESS or d.split(".")[0] == "embed"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_parameter_is_one_that_its_code_reads(stage: str) -> None:
    """Each declared section's name stands as a string in the stage's own module, or in one of its name."""
    modules = sorted((ROOT / "pipeline").glob(f"{stage}.py")) + sorted((ROOT / "pipeline").glob(f"{stage}_*.py"))
    source = "".join(module.read_text(encoding="utf-8") for module in modules)
    if stage == "report":
        return  # shows every parameter, so that it must depend on all of them
    for dotted in DECLARED[stage].get("params", []):
        section = dotted.split(".")[0]
        wanted = "load_seed" if section == "seed" else f'"{section}'
        assert wanted in source, f"{stage} declares {dotted} but never loads section {section}"


def test_outputs_are_ignored_by_git_and_nowhere_persistent() -> None:
    outs = [name for stage in DECLARED.values() for name in names(stage.get("outs", []))]
    outs = [out.replace("${item.fold}", "0") for out in outs]
    check = subprocess.run(["git", "check-ignore", *outs], cwd=ROOT, capture_output=True, text=True, check=False)
    assert sorted(check.stdout.split()) == sorted(outs), "git ignores what DVC keeps"
    assert "persist" not in TEXT


def test_outputs_are_where_the_code_writes() -> None:
    written = {str(value) for value in vars(paths).values() if isinstance(value, Path)}
    for stage in DECLARED.values():
        for name in names(stage.get("outs", [])) + names(stage.get("metrics", [])):
            plain = name.replace("/${item.fold}", "").replace(".json", "")
            assert any(plain == path.removesuffix(".json") for path in written), name
