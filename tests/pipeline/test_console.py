"""How a command ends on a signal: its exit code, its one line, and what is kept."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from pipeline.console import explained, show

_STAGE = """
import sys, time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from pipeline import app as module
from pipeline.__main__ import main
from roadwork.stopping import terminate_as_interrupt

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

_EXIT = """
import sys, typer
try:
    exec({code!r})
except typer.Exit as left:
    import os
    os._exit(left.exit_code)
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


FAULTS = {
    "disk": (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "metrics/x"), "No space left on device: metrics/x"),
    "input": (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "photo.jpg"), "Permission denied: photo.jpg"),
    "memory": (MemoryError(), "the machine's memory doesn't suffice"),
    "NumPy's": (MemoryError("Unable to allocate 9 TiB"), "the machine's memory doesn't suffice"),
    "PyTorch's": (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"), "memory"),
    "the GPU's": (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "memory"),
}


@pytest.mark.parametrize(("error", "what"), FAULTS.values(), ids=FAULTS)
def test_what_the_machine_lacks_is_one_message(error: Exception, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught, explained():
        raise error
    assert caught.value.exit_code == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("error: ")
    assert what in lines[0]
    assert lines[-1].startswith("  fix: ")


@pytest.mark.parametrize(
    "error", [ValueError("x"), RuntimeError("x"), FileNotFoundError(errno.ENOENT, "x"), OSError("x")]
)
def test_a_bug_keeps_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, explained():
        raise error
    assert caught.value is error


@pytest.mark.parametrize("command", [["--help"], ["doctor", "--help"], ["--version"]])
def test_a_reader_that_has_gone_is_no_fault(command: list[str]) -> None:
    """As of `roadwork ... | head`."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *command], stdout=gone, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.stderr == ""
    assert done.returncode == 1


def test_the_exit_code_tells_what_nobody_reads_any_more() -> None:
    read, write = os.pipe()
    os.close(read)
    code = "from pipeline.console import explained\nwith explained():\n raise KeyboardInterrupt"
    with os.fdopen(write, "wb") as gone:
        process = subprocess.run([sys.executable, "-c", _EXIT.format(code=code)], stderr=gone, check=False)
    assert process.returncode == 130


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


def test_a_name_that_is_no_utf8_still_makes_valid_json(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    show({"path": os.fsdecode(b"bad\xff\xfeutf.jpg"), "city": "Malmö"}, as_json=True)
    assert json.loads(capfdbinary.readouterr().out.decode("utf-8")) == {
        "path": "bad\udcff\udcfeutf.jpg",
        "city": "Malmö",
    }
