"""What Ray Data doesn't look after while it runs: nodes that go, and processes that never find room."""

# pyright: reportMissingImports=false
# Ray is an extra.

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import ray
from ray.data._internal.execution.execution_callback import ExecutionCallback  # DataContext takes its subclasses
from ray.data._internal.stats import Timer

from roadwork.progress import note

if TYPE_CHECKING:
    from ray.data._internal.execution.streaming_executor import StreamingExecutor

_LOOK_S = 1.0
_TELL_S = 30.0
_PATIENCE_S = 600.0


class NodesGoneError(Exception):
    """Nodes have left the cluster; `names` are theirs."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class NoRoomError(Exception):
    """For ten minutes no process of one kind could be started."""


class Watch(ExecutionCallback):
    """Ends an execution when a node has gone.

    Ray would restart its processes where there is room, and wait for ever where there is none: the next execution's
    processes are counted anew. Raises NodesGoneError and NoRoomError, which come out of the results' iterator.
    """

    def __init__(self) -> None:
        self._nodes = _living()
        self._looked = time.monotonic()
        self._idle_since: float | None = None
        self._has_told = False

    def on_execution_step(self, executor: StreamingExecutor) -> None:
        """Look, once a second."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        living = _living()
        if gone := [name for node, name in self._nodes.items() if node not in living]:
            _end(executor)
            raise NodesGoneError(gone)
        if not _has_idle_pool(executor):
            self._idle_since, self._has_told = None, False
            return
        self._idle_since = self._idle_since or now
        if now - self._idle_since > _TELL_S and not self._has_told:
            self._has_told = True
            note("No process of one kind has begun yet: they start slowly, or other jobs fill the cluster")
        if now - self._idle_since > _PATIENCE_S:
            _end(executor)
            raise NoRoomError


def _end(executor: StreamingExecutor) -> None:
    """Kill the processes: else they'd wait for views that went with the node, and keep their CPUs meanwhile."""
    for operator in executor._topology or ():
        operator.shutdown(Timer(), force=True)


def _living() -> dict[str, str]:
    return {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}


def _has_idle_pool(executor: StreamingExecutor) -> bool:
    """Whether some kind of process is asked for, and none of that kind runs."""
    for operator in executor._topology or ():
        actors = operator.get_actor_info()
        if not actors.running and actors.pending + actors.restarting:
            return True
    return False
