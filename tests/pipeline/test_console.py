"""How a command ends on a signal: its exit code, its one line, and what is kept."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.console import show

_STAGE = """
import sys, time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from pipeline import app as module
from pipeline.__main__ import main
from roadwork.embed.stopping import terminate_as_interrupt

def run(params):
    with terminate_as_interrupt() if kind == "embedding" else nullcontext():
        try:
            sys.__stdout__.write("running\\n")
            sys.__stdout__.flush()
            time.sleep(300)
        finally:
            Path(kept).write_text("rows")

kept, kind = sys.argv[1:]
fake = SimpleNamespace(run=run, __file__=module.__file__)
module.import_module = lambda name: fake
sys.argv[1:] = ["tile"]
main()
"""

_EARLY = """
import sys
interrupted = sys.argv[1]
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == interrupted:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from pipeline.__main__ import main
sys.argv[1:] = ["tile"]
main()
"""


@pytest.mark.parametrize("kind", ["plain", "embedding"])
@pytest.mark.parametrize(
    ("signum", "code", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_a_signal_has_its_exit_code_and_one_line(
    tmp_path: Path, kind: str, signum: signal.Signals, code: int, word: str
) -> None:
    kept = tmp_path / "kept"
    process = subprocess.Popen(
        [sys.executable, "-c", _STAGE, str(kept), kind], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.send_signal(signum)
    out, errors = process.communicate(timeout=300)
    assert process.returncode == code
    assert errors == f"{word}: finished work is kept, run the same command again to go on\n"
    assert out == ""
    assert kept.read_text() == "rows"


# `pipeline.unchanged` is imported when a command has begun, before its stage.
@pytest.mark.parametrize("module", ["pipeline.app", "pipeline.console", "pipeline.unchanged"])
def test_ctrl_c_during_the_first_imports_leaves_no_traceback(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", _EARLY, module], capture_output=True, text=True)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_a_long_result_is_cut_to_a_screen_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    result = {"scores": {f"s{number}": number for number in range(100)}, "long": list(range(50))}
    show(result, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "scores.s0: 0"
    assert lines[23] == "scores.s23: 23"
    assert lines[24:] == ["... and 76 more values: --json prints all"]
    show(result, as_json=True)
    assert len(capsys.readouterr().out.splitlines()) > 150


def test_a_short_result_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    show({"a": 1, "b": {"c": [1, 2]}}, as_json=False)
    assert capsys.readouterr().out.splitlines() == ["a: 1", "b.c: [1, 2]"]
