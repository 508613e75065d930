"""Real stages in processes of their own, under watch: forked from a process that is warm, or started anew."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self

from harness.events import Event, Plan, read_events
from harness.tiny import ROOT

_HERE = Path(__file__).resolve().parent
_RUN = _HERE / "run_watched.py"


@dataclass(frozen=True)
class Workplace:
    """A project and the cache that it uses."""

    project: Path
    cache: Path


@dataclass(frozen=True)
class Ended:
    """How a stage ended."""

    code: int  # exit code, or minus the signal that killed it
    output: str  # standard output and error
    events: list[Event]  # what it did to files
    seconds: float  # from the first of them to the last


def environment(**more: str) -> dict[str, str]:
    """This process's environment, with what a stage needs to find the harness and the code under test."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DVC_STAGE", "ROADWORK_CACHE")}
    paths = os.pathsep.join([str(_HERE.parent), str(ROOT)])
    return kept | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | more


class Nursery:
    """A warm process that forks a stage for each order; what they print and do is kept under `records`.

    `prefix` are the words of a command that starts it, such as `unshare --mount`.
    """

    def __init__(self, records: Path, prefix: Sequence[str] = ()) -> None:
        self._records = records
        self._numbers = count(1)
        records.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [*prefix, sys.executable, str(_RUN), "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=ROOT,
        )
        assert self._answer() == "ready"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def run(
        self,
        place: Workplace,
        arguments: Sequence[str],
        plan: Plan | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Ended:
        """`python -m pipeline ARGUMENTS` in the workplace, to its end."""
        order, log, output = self._order(place, arguments, plan or Plan(), more or {})
        code = self._send(order)
        events, seconds = read_events(log)
        return Ended(code, output.read_text(encoding="utf-8"), events, seconds)

    def call(self, *command: str) -> int:
        """The exit code of another command, run where the stages are run."""
        output = self._records / "calls.output"
        return self._send({"call": list(command), "output": str(output)})

    def start(
        self, place: Workplace, arguments: Sequence[str], more: Mapping[str, str] | None = None
    ) -> tuple[subprocess.Popen[str], Path, Path]:
        """The same in a new interpreter, which is not waited for; with the files of its events and of its output."""
        order, log, output = self._order(place, arguments, Plan(), more or {})
        with output.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, str(_RUN), json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment(),
            )
        return process, log, output

    def _order(
        self, place: Workplace, arguments: Sequence[str], plan: Plan, more: Mapping[str, str]
    ) -> tuple[dict[str, Any], Path, Path]:
        number = next(self._numbers)
        log, output = self._records / f"{number}.events", self._records / f"{number}.output"
        order = {
            "project": str(place.project),
            "cache": str(place.cache),
            "arguments": list(arguments),
            "plan": asdict(plan),
            "environment": dict(more),
            "log": str(log),
            "output": str(output),
        }
        return order, log, output

    def _send(self, order: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return os.waitstatus_to_exitcode(int(self._answer()))

    def _answer(self) -> str:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        assert answer, "the nursery died"
        return answer


SIGNALLED = {signal.SIGTERM: 143, signal.SIGINT: 130}
"""The exit codes of a stage that left in order."""
