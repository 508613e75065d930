"""Section `embed.ray`: the cluster that `engine: ray` runs on, and how its CPUs and GPUs are shared out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from roadwork.config import Section

AutoActors = Literal["auto"] | Annotated[int, Field(gt=0, le=65_536)]


class RayConfig(Section):
    """Which cluster, and how many processes of which kind. Nothing here changes a feature."""

    address: str = Field(
        pattern=r"^(local|auto|[^\s/:@]+:[0-9]{1,5})$",
        description="local (a cluster of this machine that ends with the run), auto (the one that runs on this "
        "machine, or that RAY_ADDRESS names) or HOST:PORT of a cluster's head",
    )
    decode_actors: AutoActors = Field(
        description="processes that read, decode and cut photographs; auto: one per CPU of the cluster"
    )
    decode_cpus: Literal["auto"] | Annotated[float, Field(gt=0, le=64)] = Field(
        description="CPUs that each of them reserves; auto: 1 where the model is on GPUs, 0.5 where it shares the CPUs"
    )
    decode_images: int = Field(
        gt=0, le=4096, description="photographs per decode task; their views are in memory together"
    )
    model_actors: AutoActors = Field(
        description="processes that hold the backbone; auto: actors_per_gpu for each GPU, or one per CPU where there "
        "are none"
    )
    actors_per_gpu: int = Field(gt=0, le=16, description="processes that share one GPU, each with its own backbone")
