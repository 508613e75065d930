"""Every file operation of a process under some folders, one by one: where it can be killed, starved or only watched.

Python announces them through audit hooks, before they take place. What native code writes by itself (Parquet,
safetensors) isn't announced, but its folder's creation before, and the fsync and the rename after it, are.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_OPERATIONS = {
    "open": "open",
    "os.mkdir": "mkdir",
    "os.rmdir": "rmdir",
    "os.remove": "remove",
    "os.rename": "rename",
    "os.link": "link",
    "os.truncate": "truncate",
}
GROWING = frozenset({"open", "mkdir", "rename", "link", "fsync"})
"""The operations that a full disk can fail."""


class Event(NamedTuple):
    """One operation, about to take place."""

    number: int  # from 1
    operation: str
    path: str
    target: str  # of a rename or link, else empty


@dataclass(frozen=True)
class Plan:
    """What happens at which operation; nothing, where `at` is 0."""

    at: int = 0
    signal: int = 0  # sent to this very process
    error: int = 0  # an errno to fail with, from the operation `at` on
    power_cut: bool = False  # what was written and not fsynced is cut in half before the signal
    clock_back_s: float = 0.0  # how far time.time goes back from then on
    remove: str = ""  # a folder that vanishes


class Unflushed:
    """The files that a power cut would damage: written, and not fsynced since."""

    def __init__(self) -> None:
        self._flushed: set[str] = set()
        self.dirty: set[str] = set()

    def note(self, event: Event) -> None:
        if event.operation == "open":
            self._flushed.discard(event.path)
            self.dirty.add(event.path)
        elif event.operation == "fsync":
            self._flushed.add(event.path)
            self.dirty.discard(event.path)
        elif event.operation == "rename":
            for file in _files(event.path):
                moved = event.target + file[len(event.path) :]
                self.dirty.discard(moved)
                if file in self._flushed:
                    self._flushed.add(moved)
                else:  # also what native code wrote
                    self.dirty.add(moved)
                self.dirty.discard(file)

    def cut(self) -> None:
        for name in self.dirty:
            if os.path.isfile(name):
                os.truncate(name, os.path.getsize(name) // 2)


class Watch:
    """Counts operations under `folders`, writes each to the file `log`, and acts as `plan` says."""

    def __init__(self, folders: Sequence[str], log: str, plan: Plan) -> None:
        self._folders = tuple(os.path.realpath(folder) + os.sep for folder in folders)
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._plan = plan
        self._count = 0
        self._lock = threading.RLock()
        self._unflushed = Unflushed()
        self._acting = False

    def install(self) -> None:
        """Watch from now on, to the end of the process."""
        real_fsync: Callable[[Any], None] = os.fsync

        def fsync(handle: Any) -> None:
            number = handle if isinstance(handle, int) else handle.fileno()
            self._see("fsync", os.readlink(f"/proc/self/fd/{number}"))
            real_fsync(handle)

        os.fsync = fsync
        sys.addaudithook(self._hook)

    def _hook(self, name: str, arguments: tuple[Any, ...]) -> None:
        operation = _OPERATIONS.get(name)
        if operation is None or self._acting:
            return
        if operation == "open":
            path, mode, flags = arguments
            writes = bool(flags & _WRITES) if isinstance(flags, int) else any(letter in mode for letter in "wax+")
            if isinstance(path, int) or not writes:
                return
            self._see(operation, _absolute(path, -1))
        elif operation in ("rename", "link"):
            source, target, source_fd, target_fd = arguments
            self._see(operation, _absolute(source, source_fd), _absolute(target, target_fd))
        else:
            path, *rest = arguments
            self._see(operation, _absolute(path, rest[-1] if rest and operation != "truncate" else -1))

    def _see(self, operation: str, path: str, target: str = "") -> None:
        if not f"{path}{os.sep}".startswith(self._folders) and not target.startswith(self._folders):
            return
        with self._lock:
            self._count += 1
            event = Event(self._count, operation, path, target)
            os.write(self._log, (json.dumps([*event, time.monotonic()]) + "\n").encode())
            if self._plan.at and self._count >= self._plan.at:
                self._act(event)
            self._unflushed.note(event)

    def _act(self, event: Event) -> None:
        plan = self._plan
        if plan.error:
            if event.operation in GROWING:
                raise OSError(plan.error, os.strerror(plan.error), event.path)
            return
        if event.number > plan.at:
            return
        self._acting = True
        if plan.remove:
            import shutil

            shutil.rmtree(plan.remove)
        if plan.clock_back_s:
            real, back = time.time, plan.clock_back_s
            time.time = lambda: real() - back
        if plan.power_cut:
            self._unflushed.cut()
        self._acting = False
        if plan.signal:
            os.kill(os.getpid(), plan.signal)
            if plan.signal == signal.SIGKILL:
                time.sleep(60)  # it comes within microseconds; nothing more may be done until then


def read_events(log: Path) -> tuple[list[Event], float]:
    """What a process wrote into `log`, and the seconds from the first event to the last."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    return [Event(*line[:4]) for line in lines], lines[-1][4] - lines[0][4] if lines else 0.0


def moments(count: int, most: int) -> list[int]:
    """At most `most` numbers from 1 to `count`, evenly spaced, both ends among them where there are two."""
    if count <= most:
        return list(range(1, count + 1))
    return sorted({1 + round(index * (count - 1) / max(most - 1, 1)) for index in range(most)})


def _absolute(path: Any, folder_fd: int) -> str:
    if isinstance(path, int):
        return os.readlink(f"/proc/self/fd/{path}")
    name = os.fsdecode(path)
    if folder_fd != -1 and not os.path.isabs(name):
        return os.path.join(os.readlink(f"/proc/self/fd/{folder_fd}"), name)
    return os.path.join(os.path.realpath(os.path.dirname(os.path.abspath(name))), os.path.basename(name))


def _files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
