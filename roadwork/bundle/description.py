"""`bundle.json`: everything about a bundle that isn't weights."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from roadwork.config import Section
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.evaluate.calibration import Calibration
from roadwork.model.head_config import HeadSpec
from roadwork.views.geometry import ViewsConfig

FORMAT_VERSION = 1
DESCRIPTION = "bundle.json"
CARD = "README.md"


class Member(Section):
    """One fine-tuned head; its files lie in `members/<fold>/`."""

    fold: int = Field(description="the outer fold that it never saw", ge=0)
    inner_val_mcc: float = Field(description="what it was ranked by", ge=-1, le=1)


class Calibrations(Section):
    """From the members' mean margin to a probability, with the metadata hidden and with it."""

    image_only: Calibration
    with_metadata: Calibration


class BundleDescription(Section):
    """The contents of `bundle.json`, without its own digest."""

    format_version: Literal[1] = Field(description="of this file; a reader refuses any other")
    members: tuple[Member, ...] = Field(description="best first", min_length=1)
    files: dict[str, str] = Field(description="sha256 of every other file of the bundle, by path inside it")
    spec: HeadSpec = Field(description="shape of every member, metadata fields and vocabularies included")
    views: ViewsConfig = Field(description="geometry of the views")
    backbone: BackboneConfig = Field(description="how the backbone was asked for")
    identity: dict[str, Any] = Field(description="what the backbone was: name, weights digest, pooling, precision, ...")
    seed: int = Field(description="of the run; the weights of a random backbone follow from it", ge=0, lt=2**63)
    feature_fingerprint: str = Field(description="of the features the members were trained on")
    training_data_digest: str = Field(description="over features, metadata, labels and division of the training data")
    manifest_digest: str = Field(description="over the manifest of the training data")
    calibrations: Calibrations
    metrics: dict[str, Any] = Field(description="scores with intervals that were known when the bundle was made")
    versions: dict[str, str] = Field(description="of Python and the libraries that made it")

    @field_validator("identity")
    @classmethod
    def _tells_what_is_needed(cls, identity: dict[str, Any]) -> dict[str, Any]:
        if not all(isinstance(identity.get(name), str) for name in ("weights_digest", "pool", "precision")):
            raise ValueError("weights_digest, pool and precision as text")
        if identity["precision"] not in ("bf16", "fp32"):
            raise ValueError("precision bf16 or fp32")
        return identity

    @model_validator(mode="after")
    def _fits_together(self) -> BundleDescription:
        if len({member.fold for member in self.members}) < len(self.members):
            raise ValueError("a fold has one member")
        if self.spec.views != self.views.grid**2 + 3:
            raise ValueError(f"{self.spec.views} views in the spec, views.grid gives {self.views.grid**2 + 3}")
        if self.identity.get("dim", self.spec.embedding_dim) != self.spec.embedding_dim:
            raise ValueError("the backbone's width and the spec's embedding_dim differ")
        return self


def member_folder(fold: int) -> str:
    """Where the head of `fold` lies inside the bundle."""
    return f"members/{fold}"
