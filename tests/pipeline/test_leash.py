"""A stage ends with the DVC that runs it, and only with that."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

STAGE = """
import sys, time
from pathlib import Path
from pipeline.leash import leave_with_dvc
from pipeline.console import explained

with explained():
    leave_with_dvc()
    Path(sys.argv[1]).write_text("up")
    time.sleep(float(sys.argv[2]))
    Path(sys.argv[1]).write_text("finished")
"""

# Starts the stage and, once it is up, waits to be killed. `exec` is what most shells do with a single command.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1], shell=True)
child.wait()
"""


def started(tmp_path: Path, *, through_shell: bool, dvc: bool, seconds: float) -> subprocess.Popen[bytes]:
    (tmp_path / "stage.py").write_text(STAGE)
    command = f"{sys.executable} {tmp_path / 'stage.py'} {tmp_path / 'state'} {seconds} 2> {tmp_path / 'told'}"
    command += "; true" if through_shell else ""
    environment = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    if dvc:
        environment["DVC_STAGE"] = "tile"
    return subprocess.Popen([sys.executable, "-c", PARENT, command], env=environment)


def wait_for(tmp_path: Path, name: str, text: str) -> None:
    give_up = time.monotonic() + 120
    while not (tmp_path / name).is_file() or text not in (tmp_path / name).read_text():
        assert time.monotonic() < give_up, f"{name} never held {text!r}"
        time.sleep(0.02)


@pytest.mark.parametrize("through_shell", [False, True], ids=["exec", "shell stays"])
def test_a_stage_leaves_in_order_when_its_dvc_is_killed(tmp_path: Path, through_shell: bool) -> None:
    parent = started(tmp_path, through_shell=through_shell, dvc=True, seconds=300)
    wait_for(tmp_path, "state", "up")
    parent.kill()
    parent.wait()
    wait_for(tmp_path, "told", "terminated")
    assert "The DVC that ran this stage is gone" in (tmp_path / "told").read_text()
    assert (tmp_path / "state").read_text() == "up"


STUBBORN = """
import os, signal, sys, time
from pathlib import Path
from pipeline import leash
signal.signal(signal.SIGTERM, signal.SIG_IGN)
leash.GRACE_S = 0.2
leash.leave_with_dvc()
Path(sys.argv[1]).write_text(f"{os.getpid()} up")
time.sleep(float(sys.argv[2]))
"""


def lives(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_stage_that_does_not_leave_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "STAGE", STUBBORN)
    parent = started(tmp_path, through_shell=True, dvc=True, seconds=300)
    wait_for(tmp_path, "state", "up")
    stage = int((tmp_path / "state").read_text().split()[0])
    parent.kill()
    parent.wait()
    give_up = time.monotonic() + 120
    while lives(stage):
        assert time.monotonic() < give_up, "it lives on"
        time.sleep(0.02)


def test_without_dvc_a_stage_outlives_its_parent(tmp_path: Path) -> None:
    parent = started(tmp_path, through_shell=False, dvc=False, seconds=1.5)
    wait_for(tmp_path, "state", "up")
    parent.kill()
    parent.wait()
    wait_for(tmp_path, "state", "finished")
