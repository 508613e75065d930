"""The parameters that pretraining and fine-tuning share."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from roadwork.config import Section

Features = Literal["auto", "memory", "stream"]


class TrainConfig(Section):
    """Section `train` of `params.yaml`."""

    device: str = Field(description="where the head is trained: auto, cpu, cuda or cuda:N", min_length=1)
    precision: Literal["bf16", "fp32"] = Field(description="bf16 autocast of the forward pass, or plain float32")
    reproducible: bool = Field(
        description="true: only deterministic kernels, so that equal runs on one machine give equal bits; false: "
        "perhaps faster on CUDA, and the last bits may then vary from run to run"
    )
    compile: Literal["off", "default", "max-autotune"] = Field(
        description="mode of torch.compile for the head; default: kernels by rule, the same each time where "
        "`reproducible` is true, in other bits than off; max-autotune: the fastest of several that are timed, perhaps "
        "others next time, so only where `reproducible` is false. On CUDA both run an optimizer step as one CUDA graph"
    )
    features: Features = Field(
        description="where cached embeddings are while training. memory: all read at the start; stream: where the "
        "store lies, two windows of them in memory; auto: in memory where they fit. Changes no result"
    )
    window_images: int = Field(
        description="images of the store whose chunks are in memory together where there are more: an epoch then goes "
        "through the chunks in random order, one window after the other, whether features are streamed or not. "
        "Streaming holds two windows: 31 kB an image each, at 12 views of 1280 numbers",
        ge=256,
        le=2**31,
    )
    chunk_cache_gigabytes: float = Field(
        description="disk for copies of feature chunks that come from an object store, in 10^9 bytes, under the local "
        "cache, over all stores together; those used longest ago go first. 0: no copies, each epoch fetches them anew. "
        "Changes no result",
        ge=0,
        le=1e6,
    )
    batch_size: int = Field(description="images in one forward pass, all in memory at once", gt=0, le=4096)
    accumulation: int = Field(description="forward passes per optimizer step", gt=0, le=4096)
    seed: int | None = Field(
        description="randomness of training alone (first weights, order, dropout); null: the run's seed", ge=0, lt=2**63
    )
    clip_norm: float = Field(description="largest L2 norm of the whole gradient; longer ones are scaled down", gt=0)

    @model_validator(mode="after")
    def _timed_kernels_are_not_reproducible(self) -> TrainConfig:
        if self.reproducible and self.compile == "max-autotune":
            raise ValueError(
                "compile: max-autotune chooses kernels by timing them, so that two runs may take others, which round "
                "otherwise: that can't be reproducible. Set train.compile to default, or train.reproducible to false"
            )
        return self

    @property
    def determinants(self) -> dict[str, Any]:
        """All that bears on a result, as JSON: where embeddings are doesn't, so another choice resumes a training."""
        return self.model_dump(mode="json", exclude={"features", "chunk_cache_gigabytes"})

    def training_seed(self, run: int) -> int:
        """The seed of training in a run whose seed is `run`."""
        return run if self.seed is None else self.seed
