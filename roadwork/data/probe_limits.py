"""What one photograph may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProbeLimits:
    """Pixels, bytes of its file, seconds until it is decoded."""

    max_pixels: int
    max_bytes: int
    timeout_s: float
