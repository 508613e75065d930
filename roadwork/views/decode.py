"""Photographs of any kind to upright 8-bit RGB."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roadwork.data.exif import orientation, read_exif
from roadwork.data.photograph_file import read_photograph
from roadwork.data.pillow_errors import BROKEN, reason, silence_warnings
from roadwork.data.pixel_limit import own_pixel_limit
from roadwork.data.probe import SUFFIXES
from roadwork.data.rgb import rgb, upright
from roadwork.errors import PhotographError
from roadwork.printable import printable
from roadwork.storage.place import Place
from roadwork.views.jpeg import decode_jpeg
from roadwork.views.orientation import turn_upright

DECODER_VERSION = 2
"""Part of every feature fingerprint: raise it when the same file would give other pixels or other views."""

# The photographs that ingest accepts; MPO (JPEG with further pictures) opens as JPEG.
_FORMATS = tuple(name for name in SUFFIXES if name != "MPO")


def decode_rgb(source: Place | bytes, *, max_pixels: int) -> NDArray[np.uint8]:
    """The photograph `source`, a file or a file's bytes, as RGB `[height width 3]`, EXIF orientation applied.

    Of an animation the first frame counts. Transparency is laid over white. CMYK is converted without a colour
    profile. Greyscale of 16 bits is scaled to 8; 32-bit integers beyond 16 bits and floats beyond 0-1, which have no
    fixed white, are stretched from their own minimum to their maximum.

    Raises PhotographError with the reason for a file that is missing, empty, truncated, damaged, not an image, or
    has more than `max_pixels` pixels (read from its header, before memory is taken).
    """
    where = f"{len(source)} bytes of image data" if isinstance(source, bytes) else str(source)
    content = source if isinstance(source, bytes) else read_photograph(source)
    silence_warnings()
    try:
        if not content:
            raise ValueError("the file is empty")
        with own_pixel_limit(), Image.open(io.BytesIO(content), formats=_FORMATS) as photograph:
            width, height = photograph.size
            if width * height > max_pixels:
                raise ValueError(f"{width} x {height} px is more than the {max_pixels} pixels that are allowed")
            pixels = decode_jpeg(content, photograph)
            if pixels is not None:
                return turn_upright(pixels, orientation(read_exif(photograph)))
            photograph.load()
            return np.array(rgb(upright(photograph)), dtype=np.uint8)
    except BROKEN as error:
        raise PhotographError(
            f"the photograph can't be read: {printable(reason(error))}",
            where=where,
            rule=f"a complete image file that Pillow can decode, of at most {max_pixels:,} pixels",
            fix="replace the file, or leave it out",
        ) from error
