"""What a photograph's EXIF says about its orientation and position. Broken EXIF says nothing; it is no fault."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image

from roadwork.data.pillow_errors import BROKEN

Gps = ExifTags.GPS


def read_exif(image: Image.Image) -> Image.Exif:
    """The EXIF of an open image; empty where there is none or it can't be parsed."""
    try:
        return image.getexif()
    except BROKEN:
        return Image.Exif()


def orientation(exif: Image.Exif) -> int:
    """The orientation tag, 1 to 8; 1 (upright) where it is absent or senseless."""
    try:
        value = exif.get(ExifTags.Base.Orientation)
    except BROKEN:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def gps(exif: Image.Exif) -> tuple[float, float] | None:
    """(latitude, longitude) in WGS 84 degrees from the GPS tags (EXIF 3.0, 4.6.6).

    None where a part or its reference (N/S, E/W) is absent, broken or out of range, and for exactly (0, 0), which
    cameras write when they have no fix.
    """
    try:
        tags = exif.get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(tags, Gps.GPSLatitude, Gps.GPSLatitudeRef, "N", "S")
        longitude = _degrees(tags, Gps.GPSLongitude, Gps.GPSLongitudeRef, "E", "W")
    except BROKEN:
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180) or latitude == longitude == 0:
        return None
    return latitude, longitude


def _degrees(tags: Mapping[int, Any], value: Gps, reference: Gps, positive: str, negative: str) -> float:
    """Degrees with sign; NaN where they can't be told."""
    numbers: Any = tags.get(value)
    letter = tags.get(reference)
    if isinstance(letter, bytes):
        letter = letter.decode("ascii", "replace")
    sign = {positive: 1.0, negative: -1.0}.get(str(letter).strip(" \0").upper()) if letter is not None else None
    # A tag with one number comes without its tuple.
    numbers = numbers if isinstance(numbers, tuple) else (numbers,)
    if sign is None or numbers[0] is None or not 1 <= len(numbers) <= 3:
        return math.nan
    return sign * sum(float(number) / 60**power for power, number in enumerate(numbers))
