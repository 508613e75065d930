"""The parameters of scoring."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from roadwork.config import Section
from roadwork.seeding import derive

if TYPE_CHECKING:
    from roadwork.evaluate.bootstrap import Resampling


class IntervalConfig(Section):
    """The part of section `evaluate` that every interval depends on."""

    resamples: int = Field(description="group-bootstrap resamples of every interval", ge=100, le=1_000_000)
    confidence: float = Field(description="share that an interval should cover", gt=0, lt=1)

    def resampling(self, seed: int) -> Resampling:
        """The resampling of a run with this seed."""
        # Every stage reads the parameters at its start, and few need SciPy.
        from roadwork.evaluate.bootstrap import Resampling

        return Resampling(self.resamples, self.confidence, derive(seed, "bootstrap"))


class AttentionMilConfig(Section):
    """`evaluate.attention_mil`: the attention-MIL baseline. Which of the lists' values are used val decides."""

    hidden: int = Field(description="width of the attention's two hidden layers", ge=1, le=8192)
    lr: tuple[float, ...] = Field(description="learning rates of AdamW to try", min_length=1, max_length=20)
    weight_decay: tuple[float, ...] = Field(description="weight decays of AdamW to try", min_length=1, max_length=20)
    batch_size: int = Field(description="images of one step", ge=1, le=4096)
    epochs: int = Field(description="most epochs of one run", ge=1, le=10_000)
    patience: int = Field(description="epochs without a better score on val that end a run", ge=1)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if min(self.lr) <= 0 or max(self.lr) > 10:
            raise ValueError("every lr is above 0 and at most 10")
        if min(self.weight_decay) < 0 or max(self.weight_decay) > 100:
            raise ValueError("every weight_decay is from 0 to 100")
        return self


class BaselinesConfig(IntervalConfig):
    """The part of section `evaluate` that decides what is found without a head."""

    neighbours: tuple[int, ...] = Field(
        description="k of the nearest-neighbour baseline, chosen on val", min_length=1, max_length=50
    )
    regularisation: tuple[float, ...] = Field(
        description="C of the logistic baselines (smaller is stronger), chosen on val",
        min_length=1,
        max_length=50,
    )
    attention_mil: AttentionMilConfig = Field(description="the attention-MIL baseline")
    city_clusters: int = Field(
        description="K-means clusters of the test positions in the results by city", ge=1, le=1000
    )
    leak_mcc: float = Field(
        description="cross-validated MCC from which on a metadata field, used alone, is flagged as a leak",
        gt=0,
        le=1,
    )
    duplicate_cosine: float = Field(
        description="cosine of two global views, less the training images' mean, from which they are near-duplicates",
        gt=0,
        le=1,
    )
    duplicate_radius_m: float = Field(
        description="near-duplicates share a group or lie at most this far apart, in metres", gt=0
    )

    @model_validator(mode="after")
    def _within_reason(self) -> Self:
        if min(self.neighbours) < 1 or max(self.neighbours) > 10_000:
            raise ValueError("every number of neighbours is from 1 to 10,000")
        if min(self.regularisation) < 1e-9 or max(self.regularisation) > 1e9:
            raise ValueError("every C of the regularisation is from 1e-9 to 1e9")
        return self


class ScorecardConfig(IntervalConfig):
    """The part of section `evaluate` that the scores of the heads depend on."""

    size_bands_megapixels: tuple[float, ...] = Field(
        description="upper edges of the image sizes in the results by size, in megapixels, ascending",
        min_length=1,
        max_length=50,
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        edges = self.size_bands_megapixels
        if edges[0] <= 0 or any(low >= high for low, high in pairwise(edges)):
            raise ValueError("size_bands_megapixels are above 0, each larger than the one before")
        return self


class EvaluateConfig(BaselinesConfig, ScorecardConfig):
    """Section `evaluate` of `params.yaml`."""
