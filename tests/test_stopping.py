"""SIGTERM and a closed terminal leave the way Ctrl-C does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from roadwork import stopping as module
from roadwork.stopping import Terminated, terminate_as_interrupt


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_interrupts_and_the_old_handler_comes_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Terminated), terminate_as_interrupt():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_whatever_keeps_work_on_ctrl_c_keeps_it_on_sigterm() -> None:
    with pytest.raises(KeyboardInterrupt), terminate_as_interrupt():
        os.kill(os.getpid(), signal.SIGTERM)


def test_ctrl_c_is_not_taken_for_sigterm() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, terminate_as_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
    assert not isinstance(caught.value, Terminated)


def test_under_nohup_a_closed_terminal_ends_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminate_as_interrupt():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_leaves_the_handlers_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work() -> None:
        with terminate_as_interrupt():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_what_follows_at_once_does_not_disturb_the_leaving() -> None:
    kept = []
    with pytest.raises(Terminated), terminate_as_interrupt():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGINT):
                os.kill(os.getpid(), number)
            kept.append("rows")
    assert kept == ["rows"]


def test_who_insists_much_later_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_S", 0.0)
    with pytest.raises(Terminated), terminate_as_interrupt():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_block_within_another_is_the_same_leaving() -> None:
    kept = []
    with pytest.raises(KeyboardInterrupt), terminate_as_interrupt():
        try:
            with terminate_as_interrupt():
                os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            kept.append("rows")
    assert kept == ["rows"]


class Finalised:
    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_that_python_drops_in_a_finaliser_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python prints and forgets whatever is raised while an object is finalised."""
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    give_up = time.monotonic() + 120
    with pytest.raises(Terminated), terminate_as_interrupt():
        Finalised()
        while time.monotonic() < give_up:
            time.sleep(0.01)


def test_ctrl_c_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with terminate_as_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


# On a terminal of its own, which is closed: what is still written then must not get in the way.
CLOSED = """
import os, pty, sys, time
from pathlib import Path
kept = sys.argv[1]
child, terminal = pty.fork()
if child == 0:
    from pipeline.console import explained
    from roadwork.progress import note
    with explained():
        try:
            print("up", flush=True, file=sys.stderr)
            time.sleep(300)
        finally:
            note("leaving")
            sys.stderr.flush()
            Path(kept).write_text("rows")
while b"up" not in os.read(terminal, 100):
    pass
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_closed_terminal_does_not_keep_work_from_being_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CLOSED, str(tmp_path / "kept")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (tmp_path / "kept").read_text() == "rows", done.stderr
    assert done.returncode == 0
