"""A drawn picture as a camera would have filed it: JPEG, turned sensor, position in the EXIF header."""

from __future__ import annotations

from pathlib import Path

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from roadwork.publish import published_file

_QUALITY = 85
_STORED = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


def write_photograph(
    path: Path, picture: Image.Image, *, orientation: int, gps_deg: tuple[float, float] | None
) -> None:
    """Publish `picture` (upright) as a JPEG whose pixels are stored as `orientation` (EXIF 1, 3, 6 or 8) says."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "roadwork sample"
    if orientation != 1:
        exif[ExifTags.Base.Orientation] = orientation
        picture = picture.transpose(_STORED[orientation])
    if gps_deg is not None:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(_gps_tags(*gps_deg))
    with published_file(path) as aside:
        picture.save(aside, "JPEG", quality=_QUALITY, exif=exif)


def _gps_tags(latitude_deg: float, longitude_deg: float) -> dict[int, object]:
    return {
        ExifTags.GPS.GPSLatitudeRef: "N" if latitude_deg >= 0 else "S",
        ExifTags.GPS.GPSLatitude: _degrees_minutes_seconds(latitude_deg),
        ExifTags.GPS.GPSLongitudeRef: "E" if longitude_deg >= 0 else "W",
        ExifTags.GPS.GPSLongitude: _degrees_minutes_seconds(longitude_deg),
    }


def _degrees_minutes_seconds(angle_deg: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """The three rationals of EXIF 2.32, seconds to 1/10,000 (3 mm)."""
    units = round(abs(angle_deg) * 3600 * 10_000)
    degrees, rest = divmod(units, 3600 * 10_000)
    minutes, seconds = divmod(rest, 60 * 10_000)
    return IFDRational(degrees, 1), IFDRational(minutes, 1), IFDRational(seconds, 10_000)
