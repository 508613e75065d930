"""A `dvc` command that is under way: wait until a stage has got somewhere, hold it there, end it or let it go on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psutil
from harness.clone import Clone

LONG_S = 300
"""The limit for waiting. Nothing here takes so long, however busy the machine is."""


class Ended(NamedTuple):
    """Exit code, and what was printed on both outputs."""

    code: int
    printed: str


class UnderWay:
    """`command` in the checkout `clone`, and the stages it starts, in a process group of their own."""

    def __init__(self, clone: Clone, *command: str) -> None:
        self._process = clone.start(*command)

    def stage(self, name: str, reached: Callable[[], bool]) -> psutil.Process:
        """The process of stage `name`, stopped (SIGSTOP) once `reached` says so; `resume()` lets it go on."""
        deadline = time.monotonic() + LONG_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise AssertionError(f"{name} wasn't met before the command ended:\n{self.end().printed}")
            for process in _descendants(self._process.pid):
                if _is_stage(process, name) and reached():
                    process.suspend()
                    return process
            time.sleep(0.002)
        raise AssertionError(f"{name} didn't get so far in {LONG_S} s")

    def send(self, number: signal.Signals) -> None:
        """A signal to the whole group, as a terminal's Ctrl-C or a batch system does it."""
        os.killpg(self._process.pid, number)
        if number != signal.SIGKILL:
            os.killpg(self._process.pid, signal.SIGCONT)

    def end(self) -> Ended:
        """Wait for the end."""
        printed, _ = self._process.communicate(timeout=LONG_S)
        return Ended(self._process.returncode, printed)

    def kill(self) -> None:
        """Whatever of it is left ends now."""
        for process in [*_descendants(self._process.pid), psutil.Process(self._process.pid)]:
            process.kill()
        self._process.communicate()


@contextmanager
def under_way(clone: Clone, *command: str) -> Iterator[UnderWay]:
    """An `UnderWay` of which nothing is left afterwards."""
    found = UnderWay(clone, *command)
    try:
        yield found
    finally:
        if found._process.poll() is None:
            found.kill()


def epochs(clone: Clone, count: int) -> Callable[[], bool]:
    """Whether a training under way has finished `count` epochs."""

    def reached() -> bool:
        states = (clone.home / "cache" / "training").glob("*/epochs_*")
        return any(int(folder.name[7:12]) >= count for folder in states)

    return reached


def blocks(clone: Clone, count: int) -> Callable[[], bool]:
    """Whether `count` blocks of embeddings are in the cache."""

    def reached() -> bool:
        return len(list((clone.home / "cache" / "embeddings").glob("*/*.safetensors"))) >= count

    return reached


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _is_stage(process: psutil.Process, name: str) -> bool:
    try:
        return process.cmdline()[1:] == ["-m", "pipeline", *name.replace("@", " ").split()]
    except psutil.Error:
        return False
