"""The parameters of the losses, apart from the losses: they need no tensors."""

from __future__ import annotations

from pydantic import Field

from roadwork.config import Section


class LossConfig(Section):
    """`loss`."""

    focal: float = Field(gt=0, le=1e6, description="weight of the focal loss; the classifier learns from nothing else")
    consistency: float = Field(ge=0, le=1e6, description="weight of the views' disagreement; 0 leaves it out")
    weather: float = Field(ge=0, le=1e6, description="weight of the weather loss; 0 leaves it out")
    gamma: float = Field(
        ge=0, le=100, description="focal exponent: how much less an easy image counts; 0 is cross-entropy"
    )
    alpha: float | None = Field(
        gt=0, lt=1, description="focal weight of class 1 (roadwork), 1 - alpha of class 0; null weights neither"
    )
    label_smoothing: float = Field(ge=0, lt=1, description="share of the target spread evenly over both classes")
