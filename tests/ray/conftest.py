"""One cluster of two nodes for all tests, and what the local engine makes of the same photographs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from clustered.nodes import TwoNodes
from clustered.tiny import blocks, content, photographs, run_local
from served.fixtures import faulty_s3, s3_server

from roadwork.embed.photograph import Photograph

__all__ = ["faulty_s3", "s3_server"]


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs all that needs a cluster: two clusters at once would share the cores that each counts as its."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("cluster"))


@dataclass
class Reference:
    """What the local engine makes of `photographs`."""

    photographs: list[Photograph]
    folder: Path

    @property
    def store(self) -> dict[str, bytes]:
        return content(self.folder / "images.zarr")


@pytest.fixture(autouse=True)
def _local_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORK_CACHE", str(tmp_path / "root"))


@pytest.fixture(autouse=True, scope="session")
def _without_token() -> Iterator[None]:
    """Ray turns tokens on for the whole process when it starts a cluster of a run's own; `two_nodes` has none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        yield


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("reference")
    photos = photographs(folder / "photographs", 96)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROADWORK_CACHE", str(folder / "root"))
        run_local(photos, folder)
    return Reference(photos, folder)


@pytest.fixture(scope="session")
def two_nodes() -> Iterator[TwoNodes]:
    pytest.importorskip("ray")
    cluster = TwoNodes()
    yield cluster
    cluster.shutdown()


@pytest.fixture
def meanwhile() -> Iterator[Callable[[Path, Callable[[], None]], list[BaseException]]]:
    """`meanwhile(folder, act)`: `act()` in a thread once two blocks are in the cache under `folder`."""
    threads: list[threading.Thread] = []

    def begin(folder: Path, act: Callable[[], None]) -> list[BaseException]:
        outcome: list[BaseException] = []

        def wait_and_act() -> None:
            deadline = time.monotonic() + 120
            while len(blocks(folder)) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            try:
                act()
            except BaseException as error:
                outcome.append(error)

        threads.append(threading.Thread(target=wait_and_act, daemon=True))
        threads[-1].start()
        return outcome

    yield begin
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive(), "nothing was disturbed"
