"""Photographs of any kind to upright 8-bit RGB."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roadwork.data.exif import orientation, read_exif
from roadwork.data.pixel_limit import own_pixel_limit
from roadwork.data.probe import SUFFIXES
from roadwork.errors import PhotographError

DECODER_VERSION = 1
"""Part of every feature fingerprint: raise it when the same file would give other pixels."""

# What Pillow's decoders raise for files that are damaged or not theirs.
_DECODE_ERRORS = (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, ArithmeticError,
                  AttributeError, MemoryError, struct.error, zlib.error)  # fmt: skip

# The photographs that ingest accepts; MPO (JPEG with further pictures) opens as JPEG.
_FORMATS = tuple(name for name in SUFFIXES if name != "MPO")

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_rgb(source: Path | bytes, *, max_pixels: int) -> NDArray[np.uint8]:
    """The photograph `source`, a file or a file's bytes, as RGB `[height width 3]`, EXIF orientation applied.

    Of an animation the first frame counts. Transparency is laid over white. CMYK is converted without a colour
    profile. Greyscale of 16 bits is scaled to 8; 32-bit integers beyond 16 bits and floats beyond 0-1, which have no
    fixed white, are stretched from their own minimum to their maximum.

    Raises PhotographError with the reason for a file that is missing, empty, truncated, damaged, not an image, or
    has more than `max_pixels` pixels (read from its header, before memory is taken).
    """
    where = str(source) if isinstance(source, Path) else f"{len(source)} bytes of image data"
    try:
        content = source.read_bytes() if isinstance(source, Path) else source
        if not content:
            raise ValueError("the file is empty")
        with own_pixel_limit(), Image.open(io.BytesIO(content), formats=_FORMATS) as photograph:
            width, height = photograph.size
            if width * height > max_pixels:
                raise ValueError(f"{width} x {height} px is more than the {max_pixels} pixels that are allowed")
            photograph.load()
            return np.array(_rgb(_upright(photograph)), dtype=np.uint8)
    except _DECODE_ERRORS as error:
        raise PhotographError(
            f"the photograph can't be read: {_reason(error)}",
            where=where,
            rule=f"a complete image file that Pillow can decode, of at most {max_pixels:,} pixels",
            fix="replace the file, or leave it out",
        ) from error


def _reason(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image of a known format"
    return str(error).partition("\n")[0] or type(error).__name__


def _upright(photograph: Image.Image) -> Image.Image:
    """`photograph`, loaded, turned as its EXIF orientation says."""
    turn = _UPRIGHT.get(orientation(read_exif(photograph)))
    return photograph if turn is None else photograph.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode.startswith("I;16"):
        return Image.fromarray(_scaled(np.asarray(image), 65535)).convert("RGB")
    if image.mode in ("I", "F"):
        return Image.fromarray(_stretched(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, colours).convert("RGB")
    return image.convert("RGB")


def _stretched(raw: NDArray[np.generic]) -> NDArray[np.uint8]:
    """32-bit greyscale as 8 bits: by its usual white (65,535 or 1.0) where all values fit, else by their own range."""
    values = raw.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("the pixels hold NaN or infinity")
    low, high = float(values.min()), float(values.max())
    white = 1.0 if np.issubdtype(raw.dtype, np.floating) else 65535.0
    if low < 0 or high > white:
        values, white = values - low, (high - low) or 1.0
    return _scaled(values, white)


def _scaled(values: NDArray[np.generic], white: float) -> NDArray[np.uint8]:
    return np.rint(values.astype(np.float64) * (255 / white)).astype(np.uint8)
