"""The parameters of the ensemble, apart from the code that makes it: reading them needs no tables."""

from __future__ import annotations

from pydantic import Field

from roadwork.config import Section


class EnsembleConfig(Section):
    """Section `ensemble` of `params.yaml`."""

    members: int = Field(description="how many of the best fine-tuned heads average their logits", ge=1, le=100)
