"""The parameters that pretraining and fine-tuning share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from roadwork.config import Section


class TrainConfig(Section):
    """Section `train` of `params.yaml`."""

    device: str = Field(description="where the head is trained: auto, cpu, cuda or cuda:N", min_length=1)
    precision: Literal["bf16", "fp32"] = Field(description="bf16 autocast of the forward pass, or plain float32")
    compile: Literal["off", "default", "max-autotune"] = Field(description="mode of torch.compile for the head")
    batch_size: int = Field(description="images in one forward pass", gt=0)
    accumulation: int = Field(description="forward passes per optimizer step", gt=0)
    seed: int | None = Field(
        description="randomness of training alone (first weights, order, dropout); null: the run's seed", ge=0, lt=2**63
    )
    clip_norm: float = Field(description="largest L2 norm of the whole gradient; longer ones are scaled down", gt=0)

    def training_seed(self, run: int) -> int:
        """The seed of training in a run whose seed is `run`."""
        return run if self.seed is None else self.seed
