"""What a model's process has to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from roadwork.cluster.backbone_task import BackboneTask
from roadwork.cluster.node_sight import Sight
from roadwork.views.geometry import ViewsConfig


@dataclass(frozen=True)
class ModelTask:
    """Plain values: it travels to the nodes."""

    backbone: BackboneTask
    views: ViewsConfig
    fingerprint: Mapping[str, Any]  # its facts
    cache_root: str  # `str` of its place
    sights: tuple[Sight, ...]
    batch_images: int | Literal["auto"]
    timeout_s: float
