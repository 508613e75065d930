"""The parameters of the metadata encoder, apart from the encoder: they need no tensors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from roadwork.config import Section
from roadwork.data.vocabulary import CATEGORIES, VocabulariesConfig

MetadataField = Literal["gps", "weather", "daytime", "scene", "text"]


class MetadataConfig(Section):
    """`metadata`."""

    fields: tuple[MetadataField, ...] = Field(
        description="which facts the head may use, in any order; [] makes it a head of the image alone"
    )
    dropout: float = Field(ge=0, le=1, description="share of training images whose whole metadata is hidden")
    gps_dim: int = Field(
        gt=0, le=1024, multiple_of=4, description="numbers that encode a position: sin, cos × latitude, longitude"
    )
    category_dim: int = Field(gt=0, le=1024, description="width of the weather, daytime and scene embeddings, each")
    text_dim: int = Field(
        gt=0,
        le=4096,
        description="width of the sentence vector, before and after its linear map: text.model's, 384 for MiniLM",
    )
    vocabularies: VocabulariesConfig = Field(description="categories of weather, daytime and scene, in model order")

    @model_validator(mode="after")
    def _each_field_once(self) -> MetadataConfig:
        if len(set(self.fields)) != len(self.fields):
            raise ValueError("each field at most once")
        return self

    def null_index(self, category: Literal["weather", "daytime", "scene"]) -> int:
        """The last index of that category, which means NULL: the number of its values."""
        return len(getattr(self.vocabularies, category).values)

    @property
    def dim(self) -> int:
        """Width of the encoded metadata: the sum over the fields in use; 704 with all of them at default sizes."""
        widths = {"gps": self.gps_dim, "text": self.text_dim, **dict.fromkeys(CATEGORIES, self.category_dim)}
        return sum(widths[field] for field in self.fields)
