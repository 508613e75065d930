"""A decoder that hangs or crashes costs its own photograph, and no process outlives the run."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from roadwork.data.probe_limits import ProbeLimits
from roadwork.data.probe_pool import ProbePool
from roadwork.data.probe_process import ProbeProcess
from roadwork.errors import PhotographError
from roadwork.isolation.faults import BrokenWorkerError, CrashedError

LIMITS = ProbeLimits(max_pixels=10**8, max_bytes=10**8, timeout_s=300)


@pytest.fixture(scope="module")
def endless():
    """A JPEG that takes hours: its one scan over 64 million pixels comes 10,000 times."""
    from corpus.hostile import scan_bomb

    return scan_bomb(scans=10_000)


def until(condition):
    limit = time.monotonic() + 120
    while not (found := condition()):
        assert time.monotonic() < limit, "nothing happened for two minutes"
        time.sleep(0.02)
    return found


def cpu_s(pid):
    """Seconds of processor time that a process has used; None once it is gone, dead but unread counting as gone."""
    try:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if parts[0] in "ZX" else (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def is_deep_in_work(pid):
    return (cpu_s(pid) or 0) > 0.4


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")


def test_files_and_bytes_are_probed_and_answers_remembered(tmp_path, photograph):
    (tmp_path / "a.jpg").write_bytes(photograph(1))
    (tmp_path / "text.jpg").write_text("no photograph")
    with ProbePool(LIMITS) as pool:
        probe = pool(tmp_path / "a.jpg")
        assert (probe.width_px, probe.height_px, probe.gps_deg, probe.suffix) == (64, 48, None, ".jpg")
        assert pool(photograph(1)) == probe
        rules = []
        for _ in range(2):
            with pytest.raises(PhotographError) as caught:
                pool(tmp_path / "text.jpg")
            rules.append(caught.value.rule)
            (tmp_path / "text.jpg").write_bytes(photograph(2))  # not looked at again
        assert rules[0] == rules[1]
        assert rules[0].startswith("a photograph in a known format")
        assert len(pool.processes) == 1


def test_a_missing_or_large_file_needs_no_process(tmp_path):
    (tmp_path / "large.jpg").write_bytes(bytes(2000))
    with ProbePool(ProbeLimits(max_pixels=10, max_bytes=1000, timeout_s=1)) as pool:
        for name in ("none.jpg", "large.jpg"):
            with pytest.raises(PhotographError):
                pool(tmp_path / name)
        assert not pool.processes


def test_bytes_in_memory_have_the_same_limits(photograph):
    with ProbePool(ProbeLimits(max_pixels=100, max_bytes=10**6, timeout_s=60)) as pool:
        for content, rule in (
            (photograph(), "at most ingest.max_pixels pixels: 3072 of 100"),
            (bytes(1_500_000), "at most ingest.max_file_megabytes large: 1.5 of 1 MB"),
        ):
            with pytest.raises(PhotographError) as caught:
                pool(content)
            assert caught.value.rule == rule


@needs_proc
def test_a_crash_costs_one_photograph_and_is_believed_at_the_second_time(photograph, endless):
    told, pids = [], []
    with ProbePool(LIMITS) as pool:

        def probe_the_endless():
            with pytest.raises(PhotographError) as caught:
                pool(endless)
            told.append(caught.value.rule)

        thread = threading.Thread(target=probe_the_endless)
        thread.start()
        for _ in range(2):
            process = until(
                lambda: next((p for p in list(pool.processes) if p.pid not in pids and is_deep_in_work(p.pid)), None)
            )
            assert pool(photograph(3)).width_px == 64  # another process goes on undisturbed
            assert not told
            pids.append(process.pid)
            os.kill(process.pid, signal.SIGSEGV)
        thread.join(120)
        assert told == ["the file must decode to its end: the decoder crashed (signal 11)"]
        assert pool(photograph(4)).height_px == 48


@needs_proc
def test_a_worker_that_is_killed_while_idle_is_replaced(photograph):
    with ProbePool(LIMITS) as pool:
        probe = pool(photograph())
        [process] = pool.processes
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: not process.alive)
        assert pool(photograph()) == probe


@needs_proc
def test_leaving_ends_processes_that_are_deep_in_work(endless):
    told = []
    with ProbePool(LIMITS) as pool:

        def probe():
            with pytest.raises(PhotographError):
                pool(endless)
            told.append(True)

        thread = threading.Thread(target=probe)
        thread.start()
        [process] = until(lambda: [p for p in list(pool.processes) if is_deep_in_work(p.pid)])
    thread.join(60)
    assert told
    assert cpu_s(process.pid) is None


def test_a_process_that_takes_too_long_is_ended(endless):
    process = ProbeProcess(ProbeLimits(max_pixels=10**8, max_bytes=10**8, timeout_s=0.2))
    with pytest.raises(PhotographError) as caught:
        process.probe(endless)
    assert caught.value.rule == "a photograph is read in ingest.timeout_s: it took longer than 0.2 s"
    assert not process.alive
    with pytest.raises(CrashedError):
        process.probe(b"x")
    process.close()


def test_a_bug_of_this_project_is_no_reject():
    with pytest.raises(BrokenWorkerError, match=r"Traceback(.|\n)*TypeError"):
        ProbeProcess(ProbeLimits(max_pixels=None, max_bytes=10**6, timeout_s=60))


PROGRAM = """
import sys, threading, time
sys.path.insert(0, {root!r})
from pathlib import Path
from roadwork.data.probe_limits import ProbeLimits
from roadwork.data.probe_pool import ProbePool

if __name__ == "__main__":
    with ProbePool(ProbeLimits(max_pixels=10**8, max_bytes=10**8, timeout_s=300)) as pool:
        threading.Thread(target=pool, args=(Path({endless!r}),), daemon=True).start()
        while not pool.processes:
            time.sleep(0.01)
        print(*[process.pid for process in pool.processes], flush=True)
        try:
            time.sleep(300)
        except KeyboardInterrupt:
            sys.exit(130)
"""


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_run_however_that_ends(tmp_path, endless, number):
    (tmp_path / "endless.jpg").write_bytes(endless)
    root = str(Path(__file__).resolve().parents[2])
    (tmp_path / "program.py").write_text(PROGRAM.format(root=root, endless=str(tmp_path / "endless.jpg")))
    with subprocess.Popen([sys.executable, str(tmp_path / "program.py")], stdout=subprocess.PIPE, text=True) as run:
        worker = int(run.stdout.readline())
        until(lambda: is_deep_in_work(worker))
        run.send_signal(number)
        run.wait(60)
        until(lambda: cpu_s(worker) is None)
