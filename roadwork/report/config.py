"""Section `report` of `params.yaml`."""

from __future__ import annotations

from pydantic import Field

from roadwork.config import Section


class ReportConfig(Section):
    """How the page looks; no number on it depends on this."""

    title: str = Field(description="heading of the report", min_length=1, max_length=200)
    gallery: int = Field(
        description="photographs in each part of the gallery: confident errors, closest calls", ge=0, le=24
    )
