import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import roadwork
from roadwork.train.run_digest import run_digest


def test_the_digest_depends_on_parts_torch_and_code(monkeypatch, tmp_path):
    parts = {"seed": 1, "lr": 3e-4}
    digest = run_digest(parts)
    assert digest == run_digest(dict(reversed(parts.items())))
    assert digest != run_digest({**parts, "seed": 2})
    with monkeypatch.context() as patch:
        patch.setattr("roadwork.train.run_digest.version", lambda name: "0.0")
        assert run_digest(parts) != digest
    with monkeypatch.context() as patch:
        patch.setattr("roadwork.__file__", str(tmp_path / "__init__.py"))
        assert run_digest(parts) != digest


@pytest.mark.parametrize("name", ["train/loop.py", "model/head.py", "seeding.py"])
def test_an_edit_of_what_computes_the_result_changes_it(monkeypatch, tmp_path, name):
    shutil.copytree(Path(roadwork.__file__).parent, tmp_path / "roadwork", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("roadwork.__file__", str(tmp_path / "roadwork" / "__init__.py"))
    before = run_digest({})
    with (tmp_path / "roadwork" / name).open("a") as file:
        file.write("# edited\n")
    assert run_digest({}) != before


def test_it_is_asked_for_without_torch():
    code = "import sys; from roadwork.train.run_digest import run_digest; run_digest({}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
