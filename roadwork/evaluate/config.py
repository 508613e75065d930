"""The parameters of scoring."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from roadwork.config import Section
from roadwork.evaluate.bootstrap import Resampling
from roadwork.seeding import derive


class IntervalConfig(Section):
    """The part of section `evaluate` that every interval depends on."""

    resamples: int = Field(description="group-bootstrap resamples of every interval", ge=100)
    confidence: float = Field(description="share that an interval should cover", gt=0, lt=1)

    def resampling(self, seed: int) -> Resampling:
        """The resampling of a run with this seed."""
        return Resampling(self.resamples, self.confidence, derive(seed, "bootstrap"))


class EvaluateConfig(IntervalConfig):
    """Section `evaluate` of `params.yaml`."""

    neighbours: tuple[int, ...] = Field(description="k of the nearest-neighbour baseline, chosen on val", min_length=1)
    regularisation: tuple[float, ...] = Field(
        description="C of the logistic baselines (smaller is stronger), chosen on val", min_length=1
    )

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if min(self.neighbours) < 1:
            raise ValueError("every number of neighbours is at least 1")
        if min(self.regularisation) <= 0:
            raise ValueError("every C of the regularisation is above 0")
        return self
