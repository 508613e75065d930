"""What the backbone of a cluster is, told by a node that can run it: the starter needs neither its GPU nor its file."""

# pyright: reportMissingImports=false
# Ray is an extra.

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roadwork.cluster.backbone_task import backbone_task
from roadwork.cluster.cluster import Cluster
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.config import EmbedConfig
from roadwork.errors import ParameterError, RoadworkError
from roadwork.progress import note
from roadwork.views.geometry import ViewsConfig


@dataclass(frozen=True)
class BackboneDescription:
    """A backbone that is elsewhere, as far as its features depend on it."""

    identity: dict[str, Any]
    dim: int
    weights: str
    licence: str | None


def describe_backbone(
    cluster: Cluster, backbone: BackboneConfig, embed: EmbedConfig, views: ViewsConfig, seed: int
) -> BackboneDescription:
    """Build the backbone once on a node of the kind that will run it, and tell of it; its notes are noted here.

    Raises the errors of `build_backbone`, which name the node, those of `pools_for`, and ParameterError for a decoder
    that isn't the CPU's.
    """
    if views.decoder != "cpu":
        raise ParameterError(
            f"views.decoder is {views.decoder}, and embed.engine is ray",
            where="params.yaml: views.decoder, embed.engine",
            rule="with Ray photographs are decoded on CPUs, on nodes that may have no GPU",
            fix="set views.decoder to cpu (other last bits, so every photograph is embedded again), or embed.engine to "
            "local",
        )
    import ray

    from roadwork.cluster.told_error import as_error, told

    pools = cluster.pools(embed.ray, device=embed.device)
    task = backbone_task(backbone, size_px=views.size_px, seed=seed, on_gpu=pools.model_gpus > 0, compile=embed.compile)

    def describe() -> tuple[BackboneDescription | str, list[str]]:
        from roadwork.cluster.node_backbone import build_on_node, notes_kept  # PyTorch, there and not here

        with notes_kept() as notes:
            try:
                built = build_on_node(task)
                found: BackboneDescription | str = BackboneDescription(
                    built.identity, built.dim, backbone.weights, built.licence
                )
            except RoadworkError as error:
                found = told(error)
        return found, notes

    described, notes = ray.get(
        ray.remote(describe)
        .options(num_cpus=pools.model_cpus, num_gpus=pools.model_gpus, max_retries=3, name="describe_backbone")
        .remote()
    )
    for line in notes:
        note(line)
    if isinstance(described, str):
        raise as_error(described)
    return described
