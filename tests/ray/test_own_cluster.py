"""`address: local`: a cluster for one run, of which nothing is left, however the run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from clustered.nodes import ROOT
from clustered.tiny import blocks

pytestmark = pytest.mark.ray
pytest.importorskip("ray")

MANY = 2000  # photographs: far more than are embedded until the run is stopped


def started(folder: Path) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "ray")])
    environment = {**os.environ, "PYTHONPATH": path, "ROADWORK_CACHE": str(folder / "root"), "HOME": str(folder)}
    del environment["RAY_AUTH_MODE"]  # as without: with a token, which Ray puts under HOME
    return subprocess.Popen(
        [sys.executable, "-m", "clustered.run", str(folder), str(MANY)],
        env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("number", "times", "code"), [(signal.SIGINT, 2, 130), (signal.SIGTERM, 1, 143), (signal.SIGKILL, 1, -9)]
)
def test_a_signal_ends_the_run_and_every_process_of_it(
    tmp_path: Path, number: signal.Signals, times: int, code: int
) -> None:
    run = started(tmp_path)
    try:
        deadline = time.monotonic() + 180
        while not blocks(tmp_path) and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        processes = psutil.Process(run.pid).children(recursive=True)
        assert len(processes) > 4, run.communicate(timeout=10)
        began = time.monotonic()
        for _ in range(times):
            run.send_signal(number)
            time.sleep(0.1)
        out, err = run.communicate(timeout=60)
        took = time.monotonic() - began
    finally:
        if run.poll() is None:
            run.kill()
    assert run.returncode == code, err
    assert took < 30, err
    assert out == ""
    assert "Ray dashboard: http://127.0.0.1:" in err
    assert "Traceback" not in err, err
    assert "Set ray log level" not in err, err
    if number == signal.SIGKILL:  # two agents of Ray's own look seldom whether they are still needed, and hold nothing
        processes = [process for process in processes if not is_agent(process)]
    _, living = psutil.wait_procs(processes, timeout=60)
    assert living == [], [process.cmdline() for process in living]


def is_agent(process: psutil.Process) -> bool:
    try:
        return process.name() in {"ray::RuntimeEnvAgent", "ray::DashboardAgent"}
    except psutil.NoSuchProcess:
        return False
