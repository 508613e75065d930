import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from roadwork import progress as module
from roadwork.progress import note, progress


def test_without_a_terminal_lines_tell_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(0.0, 4.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with progress("embedding", 10) as advance:
        for _ in range(10):
            advance()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == "embedding: 3/10 images, 4.0 s for each of the images, 28 s left"
    assert len(err.splitlines()) == 3


def test_notes_go_to_stderr_and_keep_their_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    note("[N, 12, 1280] " + "long " * 60)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "[N, 12, 1280] " + "long " * 60 + "\n"


@pytest.mark.parametrize(("step_s", "pace"), [(0.25, "4.0 images/s"), (1.0, "1.0 images/s"), (90.0, "90.0 s for each")])
def test_what_is_slower_than_one_a_second_is_told_in_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, step_s: float, pace: str
) -> None:
    clock = itertools.count(0.0, step_s)
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with progress("embedding", 60) as advance:
        for _ in range(60):
            advance()
    assert all(pace in line for line in capsys.readouterr().err.splitlines())


def test_a_log_file_holds_plain_lines(tmp_path: Path) -> None:
    """No control characters: what moves on a terminal is unreadable in a file."""
    code = """
from roadwork import progress as module
module._PLAIN_INTERVAL_S = 0.0
with module.progress("embedding", 3) as advance:
    for _ in range(3):
        advance()
module.note("done")
"""
    with (tmp_path / "log").open("wb") as log:
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "40"}
        subprocess.run([sys.executable, "-c", code], stderr=log, check=True, env=environment)
    text = (tmp_path / "log").read_text()
    assert all(character.isprintable() for line in text.splitlines() for character in line)
    lines = text.splitlines()
    assert [line.partition(" images")[0] for line in lines[:-1]] == [f"embedding: {done}/3" for done in (1, 2, 3)]
    assert lines[-1] == "done"
