"""A process that fails costs what it was asked, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from roadwork.isolation.faults import BrokenWorkerError, CrashedError, TookTooLongError
from roadwork.isolation.process import IsolatedProcess


@pytest.fixture
def process(misbehaving):
    process = IsolatedProcess(misbehaving.Misbehaving(), name="misbehaving")
    yield process
    process.close()


def test_it_answers_in_another_process(process) -> None:
    assert process.ask(b"abc", timeout_s=60) == b"cba"
    assert int(process.ask(b"pid", timeout_s=60)) == process.pid != os.getpid()
    large = bytes(range(256)) * 40_000
    assert process.ask(large, timeout_s=60) == large[::-1]


def test_a_bug_comes_with_its_traceback_and_the_process_goes_on(process) -> None:
    with pytest.raises(BrokenWorkerError, match=r"Traceback(.|\n)*TypeError: a bug"):
        process.ask(b"bug", timeout_s=60)
    assert process.ask(b"ab", timeout_s=60) == b"ba"


@pytest.mark.parametrize(("deed", "end"), [(b"crash", "signal 11"), (b"leave 7", "exit code 7")])
def test_a_crash_tells_how_it_ended(process, deed, end) -> None:
    with pytest.raises(CrashedError, match=f"^{end}$"):
        process.ask(deed, timeout_s=60)
    assert not process.alive
    with pytest.raises(CrashedError):
        process.ask(b"ab", timeout_s=60)


def test_what_takes_too_long_is_ended(process) -> None:
    began = time.monotonic()
    with pytest.raises(TookTooLongError, match=r"longer than 0\.2 s"):
        process.ask(b"hang 600", timeout_s=0.2)
    assert not process.alive
    assert time.monotonic() - began < 300


def test_what_libraries_complain_about_isnt_shown(process, capfd) -> None:
    assert process.ask(b"complain", timeout_s=60) == b"nialpmoc"
    assert "complaint" not in capfd.readouterr().err


def test_a_start_that_fails_is_a_bug(misbehaving) -> None:
    with pytest.raises(BrokenWorkerError, match=r"Traceback(.|\n)*a bug at the start"):
        IsolatedProcess(misbehaving.StartsBadly(crash=False), name="bad")
    with pytest.raises(BrokenWorkerError, match="the process `bad` didn't start: exit code 3"):
        IsolatedProcess(misbehaving.StartsBadly(crash=True), name="bad")


PROGRAM = """
import sys, threading
sys.path[:0] = {path!r}
from misbehaving import Misbehaving
from roadwork.isolation.process import IsolatedProcess

if __name__ == "__main__":
    process = IsolatedProcess(Misbehaving(), name="left behind")
    print(process.pid, flush=True)
    process.ask(b"hang 600", timeout_s=600)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")
def test_it_goes_when_its_parent_is_killed(tmp_path) -> None:
    path = [str(Path(__file__).parent / "services"), str(Path(__file__).resolve().parents[2])]
    (tmp_path / "program.py").write_text(PROGRAM.format(path=path))
    with subprocess.Popen([sys.executable, str(tmp_path / "program.py")], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        pid = int(run.stdout.readline())
        run.send_signal(signal.SIGKILL)
        run.wait(60)
        limit = time.monotonic() + 60
        while _lives(pid):
            assert time.monotonic() < limit
            time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
