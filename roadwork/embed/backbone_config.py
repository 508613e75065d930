"""The parameters of the backbone, apart from the code that builds it: many read them and never need a model."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from roadwork.config import Section


class BackboneConfig(Section):
    """Section `backbone`: which timm model looks at the views, and with which weights."""

    name: str = Field(min_length=1, description="a timm model, with its tag where it has several sets of weights")
    weights: str = Field(
        min_length=1,
        description="pretrained (from the hub), random (seeded, untrained) or a .safetensors, .pth or .bin file",
    )
    weights_sha256: str | None = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="sha256 that the weights file must have, on every load; null: none is asked for",
    )
    kwargs: dict[str, Any] = Field(description="further arguments of timm.create_model, such as depth or pad_type")
    pool: Literal["auto", "cls", "mean", "default"] = Field(
        description="how a view's vector is taken: cls (class token), mean (of the patches), default (the model's "
        "own), auto (cls where the model has a class token, else default)"
    )
    precision: Literal["auto", "bf16", "fp32"] = Field(
        description="arithmetic of the forward pass; auto is bf16 where the device has it, else fp32"
    )

    @model_validator(mode="after")
    def _only_files_have_a_digest(self) -> BackboneConfig:
        if self.weights == "random" and self.weights_sha256 is not None:
            raise ValueError("weights: random are of no file, so weights_sha256 has to be null")
        return self
