"""Section `embed`: how fast embedding runs and where. Nothing here changes a feature."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from roadwork.config import Section
from roadwork.embed.ray_config import RayConfig

AutoCount = Literal["auto"] | Annotated[int, Field(gt=0, le=1024)]


class EmbedConfig(Section):
    """Speed, memory and device of the embedding stage."""

    engine: Literal["local", "ray"] = Field(
        description="where embedding runs: local (on this machine) or ray (on the cluster of embed.ray)"
    )
    ray: RayConfig = Field(description="the cluster, for engine: ray")
    device: str = Field(
        pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto (CUDA where there is one), cpu, cuda or cuda:N"
    )
    decode_workers: AutoCount = Field(
        description="threads that decode and cut photographs; auto: one per usable CPU, at most 32"
    )
    batch_images: AutoCount = Field(
        description="photographs per copy to the device; auto: 1 on the CPU, 8 on CUDA. The model sees the views of "
        "one photograph per call whatever this is, so no result depends on it"
    )
    block_images: int = Field(
        gt=0, le=65_536, description="photographs per finished cache block, in memory until then: what a kill can cost"
    )
    timeout_s: float = Field(
        gt=0,
        description="longest time to wait for one photograph to be read, decoded and cut; then it counts as failed",
    )
    compile: bool = Field(description="torch.compile the backbone, on CUDA only")
