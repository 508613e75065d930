"""What the tests of faults share: the count of what they did, and the tiny project on which they do it.

The counts are printed at the end of the run (`tests/conftest.py`). The harness is imported as `harness` (pyproject.toml
puts this folder on the path).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.finished import recorded
from harness.nursery import Nursery, Workplace
from harness.reference import Reference


class Tally:
    """Counts by name: "kills", "bit flips", "files fuzzed", "faults survived", "rows lost", "rows doubled", ..."""

    def __init__(self) -> None:
        self._pending: Counter[str] = Counter()

    def add(self, name: str, count: int = 1) -> None:
        """Count `count` more of `name`; 0 makes the name appear."""
        self._pending[name] += count

    def take(self) -> dict[str, int]:
        """What was counted since the last call."""
        taken, self._pending = dict(self._pending), Counter()
        return taken


_TALLY = Tally()


@pytest.fixture(scope="session")
def tally() -> Tally:
    """Where the tests of this process count what they did. Count in a test or its set-up, not in its tear-down."""
    return _TALLY


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Where real stages are run under watch."""
    with Nursery(tmp_path_factory.mktemp("nursery")) as nursery:
        yield nursery


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery, worker_id: str) -> Reference:
    """The uninterrupted run, one for all workers."""
    base: Path = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "reference"
    folder.mkdir(exist_ok=True)
    return Reference(folder, nursery)


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory, reference: Reference, worker_id: str) -> Workplace:
    """The uninterrupted run with a `dvc.lock`, one for all workers: take a copy."""
    base: Path = tmp_path_factory.getbasetemp()
    return recorded(reference, (base if worker_id == "master" else base.parent) / "recorded")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Let what a test counted travel with its report, which comes to the process that prints also under xdist."""
    if call.when == "call" and (taken := _TALLY.take()):
        item.user_properties.append(("tally", taken))
    return (yield)
