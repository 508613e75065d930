"""The parameters of pretraining, apart from the training: they need no tensors."""

from __future__ import annotations

from pydantic import Field

from roadwork.config import Section


class PretrainConfig(Section):
    """Section `pretrain` of `params.yaml`."""

    lr: float = Field(description="peak learning rate of AdamW", gt=0, le=10)
    weight_decay: float = Field(description="decoupled weight decay of AdamW, on weight matrices only", ge=0, le=100)
    epochs: int = Field(description="most epochs; early stopping may end sooner", gt=0, le=10_000)
    warmup_steps: int = Field(description="optimizer steps of linear warm-up", ge=0, le=100_000_000)
    warmup_max_fraction: float = Field(description="largest share of all optimizer steps to warm up for", ge=0, le=1)
    patience: int = Field(description="epochs without a better one (validation MCC, then loss) before it stops", gt=0)


class NearConfig(Section):
    """The part of section `sampling` that says what the curves call near."""

    near_km: float = Field(description="a drawn image counts as near when its distance in km is below this", gt=0)
