"""Every stage starts with a look at all sections; which costs little, and is no dependency of any stage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.app import app
from pipeline.closure import import_closure
from pipeline.parameter_checks import check_before_stage, check_parameters
from pipeline.stages import STAGES
from roadwork.errors import BackboneError, ParameterError

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "params.yaml"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("resamples: 2000", "resamples: 1", "`evaluate.resamples` is 1"),
        ("members: 3", "members: 6", "`ensemble.members` is 6, and finetune.folds lists 5 folds"),
        ("folds: [0, 1, 2, 3, 4]", "folds: [0, 2]", "`finetune.folds`"),
        ("title: Roadwork", "title: ''", "`report.title`"),
    ],
)
def test_the_first_stage_refuses_what_the_last_would_stumble_over(params: Path, old: str, new: str, says: str) -> None:
    params.write_text(TEXT.replace(old, new))
    result = CliRunner().invoke(app, ["ingest"])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {says}")
    assert list(params.parent.iterdir()) == [params]


def test_every_section_is_looked_at_without_a_model_library(params: Path) -> None:
    """A stage that needs no tensors isn't to wait seconds for torch."""
    params.write_text(TEXT)
    code = (
        "import sys\nfrom pathlib import Path\nfrom pipeline.parameter_checks import check_before_stage\n"
        "check_before_stage(Path('params.yaml'))\n"
        "print({'torch', 'timm', 'sklearn', 'sentence_transformers'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_loss_that_cannot_be_is_found_before_any_stage(params: Path) -> None:
    params.write_text(TEXT.replace("gamma: 2.0", "gamma: -1"))
    with pytest.raises(ParameterError, match=r"`loss\.gamma` is -1"):
        check_before_stage(params)


def test_a_model_that_nobody_knows_is_found_by_the_doctor(params: Path) -> None:
    params.write_text(TEXT.replace("name: vit_huge", "name: vit_hugge"))
    check_before_stage(params)
    with pytest.raises(BackboneError, match="vit_huge"):
        check_parameters(params)
    params.write_text(TEXT.replace("weights: random", "weights: nowhere.pth"))
    with pytest.raises(BackboneError, match=r"no weights file nowhere\.pth"):
        check_parameters(params)


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_depends_on_it(stage: str) -> None:
    assert "pipeline/parameter_checks.py" not in map(str, import_closure(ROOT / "pipeline" / f"{stage}.py", ROOT))
