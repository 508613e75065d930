"""The parameters of the head, apart from the modules that they shape: many read them and never need a tensor."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from roadwork.config import Section
from roadwork.errors import ParameterError
from roadwork.model.metadata_config import MetadataConfig

Backend = Literal["auto", "xformers", "sdpa", "math"]
Gate = Literal["elementwise", "headwise", "none"]


class PruningConfig(Section):
    """`head.pruning`."""

    enabled: bool = Field(description="false: every view goes on, unweighted, and there is no scorer")
    keep: int = Field(gt=0, le=259, description="views that go on; at most the number of views (12)")
    hidden: int = Field(gt=0, le=8192, description="width of the scorer's hidden layer")


class ProjectionConfig(Section):
    """`head.projection`."""

    dim: int = Field(
        gt=0, le=4096, description="width of a token everywhere in the head; a multiple of the attention heads"
    )
    view_embedding: bool = Field(description="add a learned vector per view, so that a tile differs from the whole")


class PyramidConfig(Section):
    """`head.pyramid`."""

    enabled: bool = Field(description="false: tokens pass unchanged")
    dims: tuple[Annotated[int, Field(gt=0, le=4096)], ...] = Field(
        min_length=1, max_length=16, description="width of each level; a level as wide as the token is the token itself"
    )


class AttentionConfig(Section):
    """`head.attention`."""

    layers: int = Field(ge=0, le=64, description="how many gated attention layers; 0 leaves them out")
    heads: int = Field(gt=0, le=256, description="attention heads; a divisor of head.projection.dim")
    gate: Gate = Field(description="elementwise: a gate per channel; headwise: one per head; none: plain attention")
    backend: Backend = Field(
        description="auto: the fastest, which is xformers on CUDA in half precision where it runs, math (plain matrix "
        "products) on the CPU in half precision, else sdpa (PyTorch's fused attention); xformers, sdpa or math: that "
        "one or an error"
    )


class ViewFusionConfig(Section):
    """`head.view_fusion`."""

    enabled: bool = Field(description="false: the plain mean of the tokens")
    heads: int = Field(gt=0, le=256, description="heads of both attentions; a divisor of head.projection.dim")
    gate_hidden: int = Field(gt=0, le=8192, description="width of the importance gate's hidden layer")


class ClassifierConfig(Section):
    """`head.classifier`."""

    hidden: int = Field(gt=0, le=8192, description="width of the hidden layer, for roadwork and for weather")


class HeadConfig(Section):
    """`head`: one part per box of the figure."""

    dropout: float = Field(ge=0, lt=1, description="share of activations dropped in training, in every box that drops")
    standardise: bool = Field(
        description="subtract each view's mean and divide by each dimension's deviation over the training images"
    )
    pruning: PruningConfig = Field(description="which views go on")
    projection: ProjectionConfig = Field(description="from the backbone's width to the head's")
    pyramid: PyramidConfig = Field(description="each token at several widths")
    attention: AttentionConfig = Field(description="gated attention among an image's views")
    view_fusion: ViewFusionConfig = Field(description="from tokens to one vector per image")
    classifier: ClassifierConfig = Field(description="from that vector to logits")

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> HeadConfig:
        for part, heads in (("attention", self.attention.heads), ("view_fusion", self.view_fusion.heads)):
            if self.projection.dim % heads:
                raise ValueError(f"projection.dim {self.projection.dim} must be a multiple of {part}.heads {heads}")
        return self

    @model_validator(mode="after")
    def _fits_in_memory(self) -> HeadConfig:
        dim, most = self.projection.dim, 10**9
        levels = 2 * sum(self.pyramid.dims) if self.pyramid.enabled else 0
        weights = dim * (5 * dim * self.attention.layers + levels + (8 * dim if self.view_fusion.enabled else 0))
        if weights > most:
            raise ValueError(
                f"projection.dim {dim} with {self.attention.layers} attention.layers, the pyramid and the fusion makes "
                f"{weights:,} weights, at most {most:,}: training holds each four times, in 4 bytes"
            )
        return self


class HeadSpec(Section):
    """All that decides the head's shape: two sections of the parameters and the width and number of the embeddings."""

    head: HeadConfig = Field(description="section `head`")
    metadata: MetadataConfig = Field(description="section `metadata`")
    embedding_dim: int = Field(gt=0, description="numbers that the backbone gives for a view")
    views: int = Field(gt=0, description="views of an image")

    @model_validator(mode="after")
    def _keeps_no_more_than_there_are(self) -> HeadSpec:
        pruning = self.head.pruning
        if pruning.enabled and pruning.keep > self.views:
            # Not a ValueError: the two numbers meet only here, after both sections were read, and it is the user's.
            raise ParameterError(
                f"`head.pruning.keep` is {pruning.keep}, but an image has {self.views} views",
                where="params.yaml: head.pruning.keep",
                rule="at most as many as there are views (views.grid² + 3)",
                fix=f"set it to {self.views} or less, or set head.pruning.enabled: false",
            )
        return self

    @property
    def tokens(self) -> int:
        """Views that pass the pruning."""
        return self.head.pruning.keep if self.head.pruning.enabled else self.views
