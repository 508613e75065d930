"""The two ways in which a head is asked: with the photograph alone, or with what is known of it besides."""

from __future__ import annotations

MODES = ("image_only", "with_metadata")


def hides_metadata(mode: str) -> bool:
    """Whether the metadata is hidden from the head."""
    return mode == "image_only"
