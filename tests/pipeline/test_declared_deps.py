"""How a stage's code is named in `dvc.yaml`: exactly, and briefly."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.declared_deps import code_deps, code_files, is_code


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a", "b", "c", "d", "e", "__init__"):
        (tmp_path / "roadwork" / "model").mkdir(parents=True, exist_ok=True)
        (tmp_path / "roadwork" / "model" / f"{name}.py").write_text("")
    (tmp_path / "roadwork" / "model" / "__pycache__").mkdir()
    (tmp_path / "roadwork" / "model" / "__pycache__" / "a.pyc").write_text("")
    (tmp_path / "roadwork" / "model" / "page.html.j2").write_text("")
    (tmp_path / "roadwork" / "errors.py").write_text("")
    return tmp_path


def files(*names: str) -> list[str]:
    return [f"roadwork/model/{name}" for name in names]


ALL = files("a.py", "b.py", "c.py", "d.py", "e.py", "page.html.j2")


def test_a_folder_that_is_wholly_of_a_stage_stands_for_its_files(root: Path) -> None:
    closure = [*ALL, *files("__init__.py"), "roadwork/errors.py"]
    assert code_deps(closure, [], root) == ["roadwork/errors.py", "roadwork/model"]


def test_one_file_that_no_stage_before_has_and_the_folder_does_not(root: Path) -> None:
    assert code_deps(ALL[:5], [], root) == ALL[:5]


def test_files_of_stages_before_may_be_the_rest_of_a_folder_if_they_are_few(root: Path) -> None:
    assert code_deps(ALL[:5], ALL[5:], root) == ["roadwork/model"]
    assert code_deps(ALL[:4], ALL[4:], root) == ALL[:4], "a third of it isn't few"


def test_what_a_dependency_stands_for(root: Path) -> None:
    found = [file.relative_to(root).as_posix() for file in code_files(root / "roadwork" / "model")]
    assert found == sorted([*ALL, *files("__init__.py")])
    assert code_files(root / "roadwork" / "errors.py") == [root / "roadwork" / "errors.py"]
    assert is_code("roadwork/model")
    assert not is_code("models/pretrained")
