"""Look at one photograph once: its digest, its size, its position, and whether it decodes to its end."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from roadwork.data.exif import gps, orientation, read_exif
from roadwork.data.pillow_errors import BROKEN, reason, silence_warnings
from roadwork.data.pixel_limit import own_pixel_limit
from roadwork.data.regular_file import read_regular_file, size_rule
from roadwork.errors import PhotographError
from roadwork.printable import printable

# Photographs only: among Pillow's other formats are some that run a program or hold no pixels.
SUFFIXES = {
    "JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "BMP": ".bmp", "GIF": ".gif",
    "PPM": ".ppm", "JPEG2000": ".jp2", "AVIF": ".avif",
}  # fmt: skip
# What a file may be called that is meant as a photograph, whether or not it can be read.
EXTENSIONS = frozenset({*SUFFIXES.values(), ".jpeg", ".jpe", ".jfif", ".tiff", ".pgm", ".heic", ".heif"})

_FORMATS = tuple(name for name in SUFFIXES if name != "MPO")


@dataclass(frozen=True, slots=True)
class Probe:
    """What a photograph tells about itself.

    `image_id` is the SHA-256 of the file's bytes in hex; width and height are in pixels after EXIF orientation;
    `gps_deg` is (latitude, longitude) from EXIF or None; `suffix` is the file name ending that its format has.
    """

    image_id: str
    width_px: int
    height_px: int
    gps_deg: tuple[float, float] | None
    suffix: str


def probe_photograph(source: Path | bytes, max_pixels: int, *, max_bytes: int | None = None) -> Probe:
    """The Probe of a photograph, from its file or its bytes; every pixel is decoded (a JPEG at an eighth of its size).

    Raises PhotographError, with a rule for the rejects file, when it is missing, no regular file, empty, no photograph,
    larger than `max_bytes` or `max_pixels` (told from the file's size and its header, before memory is taken),
    truncated or corrupt.
    """
    name = printable(source.name) if isinstance(source, Path) else "photograph"
    content = source if isinstance(source, bytes) else read_regular_file(source, max_bytes=max_bytes)
    if not content:
        raise PhotographError(f"{name}: empty file", rule="the file must not be empty")
    if max_bytes is not None and len(content) > max_bytes:
        raise PhotographError(f"{name}: too large", rule=size_rule(len(content), max_bytes))
    silence_warnings()
    image_id = hashlib.sha256(content).hexdigest()
    with own_pixel_limit():
        try:
            image = Image.open(io.BytesIO(content), formats=_FORMATS)
        except UnidentifiedImageError:
            known = ", ".join(_FORMATS) + ("; save HEIC as JPEG" if content[4:8] == b"ftyp" else "")
            raise PhotographError(
                f"{name}: not a photograph", rule=f"a photograph in a known format: {known}"
            ) from None
        except BROKEN as error:
            raise _unreadable(name, error) from None
        with image:
            width_px, height_px = image.size
            if width_px * height_px > max_pixels:
                raise PhotographError(
                    f"{name}: {width_px}×{height_px} pixels",
                    rule=f"at most ingest.max_pixels pixels: {width_px * height_px} of {max_pixels}",
                )
            return _decoded(image, name, image_id)


def _decoded(image: Image.Image, name: str, image_id: str) -> Probe:
    size_px = image.size
    form = image.format or ""
    jpeg = form in ("JPEG", "MPO")
    try:
        if jpeg:
            # An eighth of the size needs every coefficient of the file but a fraction of the arithmetic.
            image.draft("L", (max(size_px[0] // 8, 1), max(size_px[1] // 8, 1)))
        image.load()
        if not jpeg:
            # What has pixels may still have no colours, which is better known now than when it is embedded.
            from roadwork.data.rgb import rgb  # NumPy; it takes longer to import than a JPEG to probe

            rgb(image)
    except BROKEN as error:
        raise _unreadable(name, error) from None
    # Other formats may turn the pixels themselves or find their EXIF only while loading.
    width_px, height_px = size_px if jpeg else image.size
    exif = read_exif(image)
    if orientation(exif) >= 5:
        width_px, height_px = height_px, width_px
    return Probe(image_id, width_px, height_px, gps(exif), SUFFIXES[form])


def _unreadable(name: str, error: BaseException) -> PhotographError:
    why = printable(reason(error))
    return PhotographError(f"{name}: {why}", rule=f"the file must decode to its end: {why}")
