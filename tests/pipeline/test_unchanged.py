from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.unchanged import unchanged_code
from roadwork.errors import DataError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "roadwork").mkdir()
    (tmp_path / "roadwork" / "__init__.py").write_text("")
    (tmp_path / "roadwork" / "part.py").write_text("A = 1\n")
    (tmp_path / "stage.py").write_text("import roadwork.part\n")
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    return tmp_path


@pytest.mark.parametrize("name", ["stage.py", "roadwork/part.py", "params.yaml"])
def test_an_edit_while_the_stage_runs_is_an_error(project: Path, name: str) -> None:
    with (
        pytest.raises(DataError, match="changed while it ran") as caught,
        unchanged_code(project / "stage.py", project, project / "params.yaml"),
    ):
        (project / name).write_text("# edited\n")
    assert name in str(caught.value)


def test_an_untouched_stage_ends_well(project: Path) -> None:
    with unchanged_code(project / "stage.py", project, project / "params.yaml"):
        (project / "other.py").write_text("")
