import io

import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational


@pytest.fixture(scope="session")
def photograph():
    """Bytes of a small noisy picture; another `number` gives other bytes."""

    def draw(number=0, size_px=(64, 48), form="JPEG", exif=None):
        noise = np.random.default_rng(number).integers(0, 256, (size_px[1], size_px[0], 3), dtype=np.uint8)
        stream = io.BytesIO()
        options = {} if exif is None else {"exif": exif}
        Image.fromarray(noise).save(stream, form, **options)
        return stream.getvalue()

    return draw


@pytest.fixture(scope="session")
def gps_exif():
    """EXIF with a position in degrees, minutes and seconds."""

    def build(latitude=(41, 30, 0), latitude_ref="N", longitude=(81, 42, 0), longitude_ref="W"):
        exif = Image.Exif()
        ifd = exif.get_ifd(ExifTags.IFD.GPSInfo)
        for tag, value in (
            (ExifTags.GPS.GPSLatitudeRef, latitude_ref),
            (ExifTags.GPS.GPSLongitudeRef, longitude_ref),
        ):
            if value is not None:
                ifd[tag] = value
        for tag, value in ((ExifTags.GPS.GPSLatitude, latitude), (ExifTags.GPS.GPSLongitude, longitude)):
            if value is not None:
                ifd[tag] = tuple(part if isinstance(part, IFDRational) else IFDRational(part) for part in value)
        return exif

    return build
