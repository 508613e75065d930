"""A cluster of two nodes on this machine, each with a raylet and worker processes of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[3]

_STORE_BYTES = 150 * 2**20
_HEALTH = {"health_check_period_ms": 1000, "health_check_timeout_ms": 5000}  # a dead node is known sooner


class TwoNodes:
    """A head without CPUs and nodes with one CPU each, every one with a raylet and worker processes of its own."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        # For what tests put in the place of a decoder; the package itself comes with the job.
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "tests" / "ray"), os.environ.get("PYTHONPATH", "")])
        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "object_store_memory": _STORE_BYTES, "_system_config": _HEALTH},
        )
        self.nodes: list[Any] = []
        self.complete()

    @property
    def address(self) -> str:
        return self._cluster.address

    def complete(self) -> None:
        """Two nodes, however many were lost."""
        while len(self.nodes) < 2:
            self.nodes.append(self._cluster.add_node(num_cpus=1, object_store_memory=_STORE_BYTES))
        self._cluster.wait_for_nodes()

    def workers(self, kind: str) -> list[psutil.Process]:
        """The processes of the cluster's nodes whose title has `kind`."""
        found = []
        for node in self.nodes:
            for raylet in node.all_processes["raylet"]:
                for child in psutil.Process(raylet.process.pid).children(recursive=True):
                    if any(kind in word for word in _command(child)):
                        found.append(child)
        return found

    def shared_bytes(self) -> int:
        """What the nodes' shared memory has held at most: pages that were touched once stay."""
        raylets = [psutil.Process(raylet.process.pid) for node in self.nodes for raylet in node.all_processes["raylet"]]
        return sum(raylet.memory_info().shared for raylet in raylets)

    def lose_node(self) -> None:
        """Kill the last node: its raylet and all its processes, at once."""
        self._cluster.remove_node(self.nodes.pop(), allow_graceful=False)

    def shutdown(self) -> None:
        self._cluster.shutdown()


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # gone since the listing
        return []
