import base64
import io

import numpy as np
import pytest
from PIL import Image

from roadwork.errors import DataError
from roadwork.report.data_uri import photograph_uri, svg_uri


def decoded(uri):
    return base64.b64decode(uri.split(",", 1)[1])


def test_svg_comes_back_whole():
    uri = svg_uri("<svg>→</svg>")
    assert uri.startswith("data:image/svg+xml;base64,")
    assert decoded(uri).decode() == "<svg>→</svg>"


@pytest.mark.parametrize(("width", "expected"), [(400, (100, 50)), (60, (60, 30))])
def test_pictures_are_scaled_down_only(tmp_path, width, expected):
    pixels = np.full((width // 2, width, 3), 90, dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "sheet.png")
    picture = Image.open(io.BytesIO(decoded(photograph_uri(tmp_path / "sheet.png", 100))))
    assert picture.size == expected
    assert np.abs(np.asarray(picture).astype(int) - 90).max() <= 2


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "sheet.jpg").write_text("no picture")
    with pytest.raises(DataError, match=r"sheet\.jpg"):
        photograph_uri(tmp_path / "sheet.jpg", 100)
