"""Which backbone a node builds, as the starter tells it: without PyTorch, which the starter doesn't need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roadwork.embed.backbone_config import BackboneConfig

NO_FILES = ("pretrained", "random")
"""What `backbone.weights` may say that is neither a path nor a URL."""


@dataclass(frozen=True)
class BackboneTask:
    """What determines the backbone on a node. Plain values: it travels to the nodes."""

    config: BackboneConfig  # a weights file by its absolute path: processes on nodes run in folders of their own
    size_px: int
    seed: int
    on_gpu: bool
    compile: bool


def backbone_task(config: BackboneConfig, *, size_px: int, seed: int, on_gpu: bool, compile: bool) -> BackboneTask:
    """The task of building `config`'s backbone somewhere else."""
    if config.weights not in NO_FILES and "://" not in config.weights:
        config = config.model_copy(update={"weights": str(Path(config.weights).expanduser().absolute())})
    return BackboneTask(config, size_px, seed, on_gpu, compile)
