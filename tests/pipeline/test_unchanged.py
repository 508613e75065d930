from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.closure import stage_closure
from pipeline.stages import STAGES
from pipeline.unchanged import declared, unchanged_code, unchanged_inputs, unchanged_params
from roadwork.errors import DataError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "roadwork").mkdir()
    (tmp_path / "roadwork" / "__init__.py").write_text("")
    (tmp_path / "roadwork" / "part.py").write_text("A = 1\n")
    (tmp_path / "stage.py").write_text("import roadwork.part\n")
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    return tmp_path


@pytest.mark.parametrize("name", ["stage.py", "roadwork/part.py"])
def test_an_edit_while_the_stage_runs_is_an_error(project: Path, name: str) -> None:
    with (
        pytest.raises(DataError, match="changed while it ran") as caught,
        unchanged_code([project / "stage.py", project / "roadwork" / "part.py"]),
    ):
        (project / name).write_text("# edited\n")
    assert name in str(caught.value)


def test_an_untouched_stage_ends_well(project: Path) -> None:
    with unchanged_code([project / "stage.py"]):
        (project / "other.py").write_text("")


@pytest.mark.parametrize(
    "text", ["seed: 2\n", "seed: 1\nloss: {gamma: 3.0}\n", "seed: [\n", "", "loss: {gamma: 2.0}\n"]
)
@pytest.mark.parametrize("names", [None, ["seed", "loss.gamma"]])
def test_a_parameter_that_changes_while_the_stage_runs_is_an_error(
    project: Path, text: str, names: list[str] | None
) -> None:
    (project / "params.yaml").write_text("seed: 1\nloss: {gamma: 2.0}\n")
    with pytest.raises(DataError, match="changed while it ran"), unchanged_params(project / "params.yaml", names):
        (project / "params.yaml").write_text(text)


def test_comments_and_other_stages_parameters_may_be_edited_meanwhile(project: Path) -> None:
    (project / "params.yaml").write_text("seed: 1\nloss: {gamma: 2.0, alpha: 0.25}\nreport: {title: A}\n")
    with unchanged_params(project / "params.yaml", ["seed", "loss.gamma"]):
        (project / "params.yaml").write_text("# next\nseed: 1\nloss: {alpha: 0.5, gamma: 2.0}\nreport: {title: B}\n")


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    store = tmp_path / "features" / "images.zarr"
    (store / "c").mkdir(parents=True)
    (store / "c" / "0").write_bytes(b"chunk")
    (tmp_path / "manifest.parquet").write_bytes(b"table")
    return [store, tmp_path / "manifest.parquet"]


def edited(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"!")


def replaced(file: Path) -> None:
    aside = file.with_name("aside")
    aside.write_bytes(file.read_bytes())
    os.utime(aside, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    os.replace(aside, file)


@pytest.mark.parametrize("name", ["manifest.parquet", "features/images.zarr/c/0"])
@pytest.mark.parametrize("change", [edited, replaced, Path.unlink], ids=["edited", "replaced", "removed"])
def test_input_data_that_changes_while_the_stage_runs_is_an_error(
    tmp_path: Path, inputs: list[Path], name: str, change: Callable[[Path], None]
) -> None:
    with pytest.raises(DataError, match="changed while it ran") as caught, unchanged_inputs(inputs):
        change(tmp_path / name)
    assert str(tmp_path / name) in caught.value.where


def test_a_file_that_is_added_to_an_input_is_an_error(inputs: list[Path]) -> None:
    with pytest.raises(DataError, match="changed while it ran"), unchanged_inputs(inputs):
        (inputs[0] / "c" / "1").write_bytes(b"another")


def test_reading_and_writing_beside_the_inputs_is_none(tmp_path: Path, inputs: list[Path]) -> None:
    with unchanged_inputs([*inputs, tmp_path / "not there yet"]):
        inputs[1].read_bytes()
        (tmp_path / "result").write_text("new")


def test_the_inputs_of_a_stage_are_its_data_dependencies(tmp_path: Path) -> None:
    closure = [ROOT / name for name in stage_closure("tile", ROOT)]
    assert declared("tile", tmp_path / "dvc.yaml") == ([], closure, None)
    deps = "[data/images, data/manifest.parquet, roadwork/config.py]"
    (tmp_path / "dvc.yaml").write_text(f"stages:\n  tile:\n    params: [seed, views]\n    deps: {deps}\n")
    data = [tmp_path / "data/images", tmp_path / "data/manifest.parquet"]
    code = [ROOT / "roadwork" / "config.py"]
    assert declared("tile", tmp_path / "dvc.yaml") == (data, code, ["seed", "views"])
    assert declared("folds", tmp_path / "dvc.yaml") == ([], [ROOT / name for name in stage_closure("folds", ROOT)], [])


@pytest.mark.parametrize(
    "text", ["stages: [", "stages: 3", "\xff", "stages:\n  tile: [1]\n", "stages:\n  tile:\n    deps: 3\n"]
)
def test_a_pipeline_file_that_can_not_be_read_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "dvc.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match="can't be read") as caught:
        declared("tile", tmp_path / "dvc.yaml")
    assert "dvc.yaml" in caught.value.where


def test_every_stage_of_this_project_has_its_inputs_watched() -> None:
    for stage in STAGES:
        found = declared(stage, ROOT / "dvc.yaml")
        assert found.data, stage
        assert found.params, stage


def test_every_file_of_a_stages_code_is_watched() -> None:
    """Of a package that `dvc.yaml` names as a folder, too."""
    for stage in STAGES:
        closure = {ROOT / name for name in stage_closure(stage, ROOT) if not name.endswith("/__init__.py")}
        assert closure <= set(declared(stage, ROOT / "dvc.yaml").code), stage
