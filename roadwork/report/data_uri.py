"""Pictures as part of the page itself."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from roadwork.errors import DataError

_QUALITY = 82


def svg_uri(svg: str) -> str:
    """`svg` as a data URI. As an image of its own, its ids and styles can't meet those of other figures."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")


def jpeg_uri(picture: Image.Image) -> str:
    """`picture` as a JPEG data URI."""
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def photograph_uri(path: Path, max_width_px: int) -> str:
    """The picture `path` as a JPEG data URI, scaled down to at most `max_width_px` wide.

    Raises DataError when it can't be read.
    """
    try:
        with Image.open(path) as picture:
            small = picture.convert("RGB")
    except OSError as error:
        raise DataError(f"the picture can't be read: {error}", where=str(path), fix="run `roadwork tile`") from error
    if small.width > max_width_px:
        height_px = round(small.height * max_width_px / small.width)
        small = small.resize((max_width_px, height_px), Image.Resampling.LANCZOS)
    return jpeg_uri(small)
