"""SIGTERM and a vanished DVC leave the way Ctrl-C does."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from roadwork.embed.stopping import Terminated, stop_if_orphaned, terminate_as_interrupt


def test_sigterm_interrupts_and_the_old_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), terminate_as_interrupt():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_whatever_keeps_work_on_ctrl_c_keeps_it_on_sigterm() -> None:
    with pytest.raises(KeyboardInterrupt), terminate_as_interrupt():
        os.kill(os.getpid(), signal.SIGTERM)


def test_ctrl_c_is_not_taken_for_sigterm() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, terminate_as_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
    assert not isinstance(caught.value, Terminated)


def test_another_thread_leaves_the_handler_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work() -> None:
        with terminate_as_interrupt():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_only_a_stage_of_dvc_stops_when_its_parent_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)
    stop_if_orphaned(os.getppid() + 1)
    monkeypatch.setenv("DVC_STAGE", "embed_images")
    stop_if_orphaned(os.getppid())
    with pytest.raises(KeyboardInterrupt):
        stop_if_orphaned(os.getppid() + 1)
