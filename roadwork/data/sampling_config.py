"""The parameters of sampling, apart from the code that does it: reading them needs no arrays."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from pydantic import Field, field_validator, model_validator

from roadwork.config import Section


class SamplingConfig(Section):
    """Section `sampling`."""

    enabled: bool = Field(
        description="true: weight by distance; false: every training image weighs 1, nothing is gated"
    )
    clusters: int = Field(description="number of K-means clusters of the reference positions", ge=1, le=10_000)
    reference: Literal["test", "train"] = Field(
        description="split whose positions are the reference; test makes the training transductive, the report says so"
    )
    bands_km: tuple[float, ...] = Field(
        description="band edges, in km of great-circle distance to the nearest cluster centre, ascending",
        min_length=1,
        max_length=100,
    )
    weights: tuple[float, ...] = Field(
        description="weight of an image in each band, one more than there are edges",
        min_length=2,
        max_length=101,
    )
    unknown_weight: float = Field(description="weight of a training image without GPS", ge=0, le=1e6)
    near_km: float = Field(description="a drawn image counts as near when its distance in km is below this", gt=0)
    draws: int = Field(description="batches drawn to measure the share near a cluster", ge=1, le=20_000)
    target_share: float = Field(description="share of near draws below which a warning is recorded", gt=0, le=1)
    min_share: float = Field(description="share of near draws below which the stage fails", ge=0, le=1)

    @field_validator("bands_km")
    @classmethod
    def _ascending(cls, bands_km: tuple[float, ...]) -> tuple[float, ...]:
        if bands_km[0] <= 0 or any(low >= high for low, high in pairwise(bands_km)):
            raise ValueError("edges above 0, each larger than the one before")
        return bands_km

    @field_validator("weights")
    @classmethod
    def _drawable(cls, weights: tuple[float, ...]) -> tuple[float, ...]:
        if min(weights) < 0 or max(weights) == 0 or max(weights) > 1e6:
            raise ValueError("no weight below 0, at least one above, none above 1,000,000")
        return weights

    @model_validator(mode="after")
    def _coherent(self) -> SamplingConfig:
        if len(self.weights) != len(self.bands_km) + 1:
            raise ValueError(
                f"{len(self.weights)} weights for {len(self.bands_km)} bands_km: one below the first edge, one between "
                f"neighbours, one beyond the last, so {len(self.bands_km) + 1}"
            )
        if self.min_share > self.target_share:
            raise ValueError(f"min_share {self.min_share} is above target_share {self.target_share}")
        return self


class BatchConfig(Section):
    """The part of section `train` that says how many images one draw of the sampler holds."""

    batch_size: int = Field(description="images of one batch", ge=1, le=4096)
