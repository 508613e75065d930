"""A Ray cluster that this process has joined."""

# pyright: reportMissingImports=false
# Ray is an extra.

from __future__ import annotations

from dataclasses import dataclass

from roadwork.cluster.capacity import Node, Pools, pools_for
from roadwork.embed.ray_config import RayConfig


@dataclass(frozen=True)
class Cluster:
    """What the starter knows of it; its nodes may come and go."""

    address: str
    is_own: bool  # of this machine, started for this run

    def nodes(self) -> list[Node]:
        """The nodes that live, by name."""
        import ray

        nodes = [
            Node(node["NodeID"], node["NodeManagerAddress"], resources.get("CPU", 0.0), resources.get("GPU", 0.0))
            for node in ray.nodes()
            if node["Alive"]
            for resources in [node["Resources"]]
        ]
        return sorted(nodes, key=lambda node: (node.name, node.id))

    def pools(self, config: RayConfig, *, device: str) -> Pools:
        """The processes of `config` fitted to the nodes that live now; the errors are those of `pools_for`."""
        return pools_for(self.nodes(), config, device=device)
