"""The parameters of ingesting, apart from the code that does it: reading them needs no tables and no pictures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from roadwork.config import Section
from roadwork.data.probe_limits import ProbeLimits
from roadwork.data.regular_file import BYTES_PER_MEGABYTE


class SampleConfig(Section):
    """Size of the drawn sample."""

    images: int = Field(description="number of photographs to draw", ge=24, le=100_000)
    max_width_px: int = Field(description="width of the largest photographs, pixels", ge=96, le=16384)


class IngestConfig(Section):
    """Where photographs come from and what is accepted."""

    source: Literal["sample", "folder", "natix", "roadwork_coco"] = Field(description="which reader reads the source")
    path: str | None = Field(
        description="where the source lies: a folder, a table or a JSON file (as a path, or an s3://, gs:// or az:// "
        "URL), or a hub id"
    )
    test_fraction: float = Field(description="share of the images without a split that becomes test", ge=0, lt=1)
    val_fraction: float = Field(description="share of the images without a split that becomes val", ge=0, lt=1)
    holdout_fraction: float = Field(description="share of the images without a split that becomes holdout", ge=0, lt=1)
    group_radius_m: float = Field(
        description="images closer than this, in metres, get the same split", ge=0, le=20_100_000
    )
    max_reject_fraction: float = Field(description="share of bad rows above which the stage fails", ge=0, le=1)
    max_pixels: int = Field(
        description="pixels of the largest photograph that is decoded (3 bytes of memory each, and as much again while "
        "views are cut)",
        gt=0,
        le=2_000_000_000,
    )
    max_file_megabytes: int = Field(
        description="size of the largest file that is read, in megabytes (10⁶ bytes)", gt=0, le=4096
    )
    timeout_s: float = Field(
        description="longest time, in seconds, that decoding one photograph may take before it is rejected",
        gt=0,
        le=86_400,
    )
    engine: Literal["local", "ray"] = Field(
        description="who decodes the photographs: this machine's processes, or those of the cluster of embed.ray"
    )
    strict: bool = Field(description="whether a category that no vocabulary knows is an error instead of a null")
    allow_duplicates: bool = Field(
        description="whether one photograph may be given to two splits: it then stays in the one that is scored "
        "(holdout before test, val, train), and rows dropped as duplicates don't count as bad; false makes it an error"
    )
    sample: SampleConfig = Field(description="for source `sample` only")

    @property
    def limits(self) -> ProbeLimits:
        """What one photograph may cost."""
        return ProbeLimits(self.max_pixels, self.max_file_megabytes * BYTES_PER_MEGABYTE, self.timeout_s)

    @model_validator(mode="after")
    def _leaves_a_train_part(self) -> IngestConfig:
        total = self.test_fraction + self.val_fraction + self.holdout_fraction
        if total >= 1:
            raise ValueError(
                f"test_fraction + val_fraction + holdout_fraction is {total:g}; nothing is left to train on"
            )
        return self
