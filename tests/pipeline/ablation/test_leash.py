from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.ablation.leash import Leashed

BUSY = """
import os, subprocess, sys, time
if {inner!r}:
    subprocess.Popen([sys.executable, "-c", {inner!r}])
with open({pids!r}, "a") as file:
    file.write(f"{{os.getpid()}}\\n")
time.sleep(60)
"""


def busy(pids: Path) -> list[str]:
    """A command that runs a minute, as does the process that it starts; both write their ids."""
    inner = BUSY.format(inner="", pids=str(pids))
    return [sys.executable, "-c", BUSY.format(inner=inner, pids=str(pids))]


def both_started(pids: Path) -> list[int]:
    def found() -> list[int]:
        lines = pids.read_text().split() if pids.is_file() else []
        return [int(line) for line in lines] if len(lines) == 2 else []

    return wait(found)


def wait(look):
    for _ in range(300):
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError("that never happened")


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{process}/stat")
    return stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_the_exit_status_and_the_output_come_through(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        code = "import os, sys; print(os.getcwd(), os.environ['A']); print('no', file=sys.stderr); sys.exit(3)"
        process = Leashed([sys.executable, "-c", code], folder=tmp_path, environment={**os.environ, "A": "b"}, log=log)
        assert wait(lambda: process.poll() is not None)
    assert process.poll() == 3
    assert sorted((tmp_path / "log").read_text().splitlines()) == sorted([f"{tmp_path.resolve()} b", "no"])


def test_cutting_kills_all_that_was_started(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        process = Leashed(busy(tmp_path / "pids"), folder=tmp_path, environment=dict(os.environ), log=log)
    started = both_started(tmp_path / "pids")
    assert process.poll() is None
    process.cut()
    assert process.poll() == -signal.SIGKILL
    assert wait(lambda: all(gone(one) for one in started))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_nothing_outlives_a_killed_starter(number: signal.Signals, tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from pipeline.ablation.leash import Leashed\n"
        f"Leashed({busy(tmp_path / 'pids')!r}, folder=Path({str(tmp_path)!r}), environment=dict(os.environ),\n"
        f"        log=open({str(tmp_path / 'log')!r}, 'wb'))\n"
        "time.sleep(60)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).resolve().parents[3])
    started = both_started(tmp_path / "pids")
    assert not any(gone(one) for one in started)
    starter.send_signal(number)
    starter.wait(10)
    assert wait(lambda: all(gone(one) for one in started))
