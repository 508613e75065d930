import io

import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from roadwork.data.exif import gps, orientation, read_exif


def reread(content):
    return read_exif(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("parts", "position"),
    [
        ({}, (41.5, -81.7)),
        ({"latitude_ref": "S", "longitude_ref": "E"}, (-41.5, 81.7)),
        ({"latitude": (41.5,), "longitude": (81.7,)}, (41.5, -81.7)),
        ({"latitude": (48, IFDRational(5355, 100), 0)}, (48.8925, -81.7)),
        ({"latitude_ref": "n"}, (41.5, -81.7)),
    ],
)
def test_positions_survive_a_file(photograph, gps_exif, parts, position):
    assert gps(reread(photograph(exif=gps_exif(**parts)))) == pytest.approx(position, abs=1e-9)


@pytest.mark.parametrize(
    "parts",
    [
        {"latitude_ref": None},
        {"longitude_ref": "X"},
        {"latitude": None},
        {"latitude": (IFDRational(0, 0), 0, 0)},
        {"latitude": (91, 0, 0)},
        {"longitude": (181, 0, 0)},
        {"latitude": (0, 0, 0), "longitude": (0, 0, 0)},
    ],
)
def test_incomplete_senseless_and_null_positions_are_none(photograph, gps_exif, parts):
    assert gps(reread(photograph(exif=gps_exif(**parts)))) is None


def test_no_exif_is_upright_and_nowhere(photograph):
    exif = reread(photograph())
    assert orientation(exif) == 1
    assert gps(exif) is None


@pytest.mark.parametrize(("value", "expected"), [(6, 6), (8, 8), (1, 1), (0, 1), (9, 1)])
def test_orientation(photograph, value, expected):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    assert orientation(reread(photograph(exif=exif))) == expected


@pytest.mark.filterwarnings("ignore")
def test_broken_exif_says_nothing(photograph, gps_exif):
    whole = photograph(exif=gps_exif())
    start = whole.index(b"Exif\0\0") + 6
    for garbage in (b"\xff" * 40, b"II*\0\xff\xff\xff\x7f" + b"\0" * 32, b"II*\0\x08\0\0\0\xff\xff" + b"\x77" * 30):
        exif = reread(whole[:start] + garbage + whole[start + len(garbage) :])
        assert orientation(exif) == 1
        assert gps(exif) is None
