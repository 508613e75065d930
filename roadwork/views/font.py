"""The one typeface of every picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from PIL import ImageFont


def sans(size_px: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as it comes with matplotlib: the same glyphs on every machine, whatever a file's name holds."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size_px)
