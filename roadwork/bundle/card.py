"""The model card of a bundle, filled from the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from roadwork.bundle.description import Member
from roadwork.embed.backbone_config import BackboneConfig


@dataclass(frozen=True)
class Facts:
    """What a card tells of the data: counts by split (`images`, `roadwork`, `none`), sources, and how it was used."""

    splits: Mapping[str, Mapping[str, int]]
    sources: Sequence[str]
    transductive: bool
    metadata_fields: Sequence[str]
    confidence: float


def model_card(
    members: Sequence[Member],
    backbone: BackboneConfig,
    identity: Mapping[str, Any],
    metrics: Mapping[str, Any],
    facts: Facts,
) -> str:
    """The text of README.md. It holds no time and no machine, so equal runs give equal cards."""
    environment = Environment(
        loader=PackageLoader("roadwork.bundle", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, not HTML
    )
    return environment.get_template("card.md.j2").render(
        members=members,
        backbone=backbone,
        identity=identity,
        metrics=metrics,
        facts=facts,
        interval=f"mcc_ci{100 * facts.confidence:g}",
        untrained=backbone.weights == "random",
        dinov3="dinov3" in backbone.name.lower(),
    )
