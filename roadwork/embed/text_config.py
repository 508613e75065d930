"""The parameters of the sentence encoder, apart from the code that loads it: reading them needs no model."""

from __future__ import annotations

from pydantic import Field

from roadwork.config import Section

TEXT_DIM = 384
"""Numbers of a sentence vector: those of all-MiniLM-L6-v2."""


class TextConfig(Section):
    """Section `text`: the frozen sentence encoder."""

    model: str = Field(
        min_length=1,
        description="package:NAME (an installed package with the model's files), a folder, or a hub id, which may end "
        "in @REVISION",
    )
    weights_sha256: str | None = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="sha256 that its model.safetensors must have, on every load; null: none is asked for",
    )
    batch_size: int = Field(
        gt=0, le=4096, description="most sentences per forward pass (memory); changes the speed only"
    )
