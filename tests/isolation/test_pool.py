"""Crashes are believed at the second time, and a pool of processes outlives them."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial

import pytest

from roadwork.isolation.faults import CrashedError, TookTooLongError
from roadwork.isolation.pool import IsolatedPool
from roadwork.isolation.process import IsolatedProcess


@pytest.fixture
def pool(misbehaving):
    with IsolatedPool(partial(IsolatedProcess, misbehaving.Misbehaving(), name="misbehaving"), most=1) as pool:
        yield pool


def ask(request: bytes, timeout_s: float = 60):
    return lambda process: process.ask(request, timeout_s=timeout_s)


def test_one_process_is_kept_for_one_thread(pool) -> None:
    assert pool.run(ask(b"pid")) == pool.run(ask(b"pid"))
    assert len(pool.workers) == 1


def test_a_single_crash_is_tried_again_in_another_process(pool, tmp_path) -> None:
    first = pool.run(ask(b"pid"))
    request = b"crash-once " + os.fsencode(tmp_path / "crashed")
    assert pool.run(ask(request)) == request[::-1]
    assert pool.run(ask(b"pid")) != first


def test_a_second_crash_is_believed_and_the_next_request_answered(pool) -> None:
    with pytest.raises(CrashedError, match="signal 11"):
        pool.run(ask(b"crash"))
    assert pool.run(ask(b"ab")) == b"ba"


def test_what_takes_too_long_is_not_tried_again(pool) -> None:
    with pytest.raises(TookTooLongError):
        pool.run(ask(b"hang 600", 0.2))
    assert pool.run(ask(b"ab")) == b"ba"


def test_a_process_killed_while_idle_is_replaced(pool) -> None:
    first = int(pool.run(ask(b"pid")))
    os.kill(first, signal.SIGKILL)
    while next(iter(pool.workers)).alive:
        time.sleep(0.01)
    assert int(pool.run(ask(b"pid"))) != first


def test_no_more_processes_than_most_whatever_the_threads(pool) -> None:
    pids: list[bytes] = []
    threads = [threading.Thread(target=lambda: pids.append(pool.run(ask(b"pid")))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 4
    assert len(set(pids)) == 1


def test_closing_frees_who_waits(pool) -> None:
    told: list[str] = []

    def wait() -> None:
        with pytest.raises(CrashedError) as caught:
            pool.run(ask(b"hang 600", 600))
        told.append(str(caught.value))

    thread = threading.Thread(target=wait)
    thread.start()
    while not pool.workers:
        time.sleep(0.01)
    pool.close()
    thread.join(60)
    assert told == ["the run was stopped"]
    assert not pool.workers
