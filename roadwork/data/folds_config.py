"""The parameters that divide images, apart from the code that does it: reading them needs no scikit-learn."""

from __future__ import annotations

from pydantic import Field, field_validator

from roadwork.config import Section


class FoldsConfig(Section):
    """The part of section `finetune` that divides the test split."""

    folds: tuple[int, ...] = Field(
        max_length=100, description="numbers of the outer folds, 0 to k-1; each is one finetune stage"
    )
    inner_val_fraction: float = Field(
        description="share of the training folds' images set aside for early stopping", gt=0, lt=1
    )

    @field_validator("folds")
    @classmethod
    def _numbered_from_zero(cls, folds: tuple[int, ...]) -> tuple[int, ...]:
        if len(folds) < 2 or folds != tuple(range(len(folds))):
            raise ValueError("two folds or more, numbered 0, 1, 2, ... in order, for example [0, 1, 2]")
        return folds


class CarveConfig(Section):
    """The part of section `ingest` that bears on the division of every source."""

    val_fraction: float = Field(
        description="share of images without split that becomes val; also carved out of train where there is no val",
        ge=0,
        lt=1,
    )
    group_radius_m: float = Field(
        description="images closer than this, in metres, are never on two sides of a division", ge=0, le=20_100_000
    )
