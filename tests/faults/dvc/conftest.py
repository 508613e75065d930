"""The tiny project in a git repository under real DVC."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock
from harness.clone import Clone
from harness.tiny import CHANGES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder takes long."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Clone:
    """The project with everything made and committed, for all workers of the run; tests take copies of it."""
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "finished"
    clone = Clone(home)
    with FileLock(f"{home}.lock"):
        if not (home / "done").exists():
            clone.create(CHANGES)
            clone.repro()
            clone.commit("results")
            (home / "done").touch()
    return clone


@pytest.fixture
def project(finished: Clone, tmp_path: Path) -> Clone:
    """A copy of the finished project, with an embedding cache of its own."""
    return finished.copy(tmp_path)
