from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from pipeline import app as module
from pipeline.app import app
from pipeline.stages import STAGES
from roadwork.errors import DataError

RUNNER = CliRunner()
PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"


def stage(monkeypatch: pytest.MonkeyPatch, run: object) -> None:
    """Let every stage be `run`, in a module whose file exists."""
    fake = SimpleNamespace(run=run, __file__=str(Path(module.__file__)))
    monkeypatch.setattr(module, "import_module", lambda name: fake)


def test_help_names_every_stage_and_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['roadwork', '--help']\n"
        "from pipeline.__main__ import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'torch', 'zarr', 'dvc', 'pandas', 'numpy', 'timm', 'sklearn', 'PIL'} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout
    for name in (*STAGES, "predict", "check", "doctor", "scores", "cache"):
        assert name in done.stdout


def test_version() -> None:
    assert RUNNER.invoke(app, ["--version"]).stdout.startswith("roadwork 0.")


def test_json_alone_is_on_stdout_whatever_the_stage_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(params: Path) -> dict[str, object]:
        sys.stdout.write("a library's chatter\n")
        return {"rows": 3}

    stage(monkeypatch, run)
    result = RUNNER.invoke(app, ["tile", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"rows": 3}
    assert "chatter" in result.stderr


def test_a_users_mistake_is_one_message_and_a_bug_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(params: Path) -> None:
        raise DataError("no photographs", where="photos/", rule="at least one", fix="put some there")

    stage(monkeypatch, mistake)
    result = RUNNER.invoke(app, ["ingest"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == ("error: no photographs\n  where: photos/\n  rule: at least one\n  fix: put some there\n")

    def bug(params: Path) -> None:
        raise ZeroDivisionError

    stage(monkeypatch, bug)
    assert isinstance(RUNNER.invoke(app, ["ingest"]).exception, ZeroDivisionError)


def test_an_interrupt_says_that_work_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(params: Path) -> None:
        raise KeyboardInterrupt

    stage(monkeypatch, interrupted)
    result = RUNNER.invoke(app, ["embed_images"])
    assert result.exit_code == 130
    assert "run the same command again" in result.stderr


def test_the_fold_reaches_the_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.yaml"
    other.write_bytes(PARAMS.read_bytes())
    seen: dict[str, object] = {}

    def run(params: Path, fold: int) -> dict[str, object]:
        seen.update(params=params, fold=fold)
        return {}

    stage(monkeypatch, run)
    assert RUNNER.invoke(app, ["finetune", "3", "--params", str(other)]).exit_code == 0
    assert seen == {"params": other, "fold": 3}
    assert RUNNER.invoke(app, ["finetune", "three"]).exit_code == 2


@pytest.mark.parametrize("name", [name for name in STAGES if name != "finetune"])
def test_every_stage_without_a_project_is_one_clear_message(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, [name])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: there is no parameter file")
    assert list(tmp_path.iterdir()) == []


def test_cache_info_and_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORK_CACHE", str(tmp_path))
    assert json.loads(RUNNER.invoke(app, ["cache", "info", "--json"]).stdout) == {
        "root": str(tmp_path),
        "fingerprints": [],
        "trainings": [],
        "chunks": {"copies": 0, "size_bytes": 0},
    }
    folder = tmp_path / "embeddings" / ("abc1" * 16)
    folder.mkdir(parents=True)
    assert "of 1 fingerprints" in RUNNER.invoke(app, ["cache", "info"]).stdout
    refused = RUNNER.invoke(app, ["cache", "clear"])
    assert refused.exit_code == 1
    assert "answer with --yes" in refused.stderr
    assert folder.is_dir()
    assert RUNNER.invoke(app, ["cache", "clear", "zzz", "--yes"]).exit_code == 1
    assert RUNNER.invoke(app, ["cache", "clear", "abc", "--yes"]).exit_code == 0
    assert not folder.exists()
    assert "cache is empty" in RUNNER.invoke(app, ["cache", "clear"]).stdout
