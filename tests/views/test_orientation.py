from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from roadwork.data.rgb import upright
from roadwork.views.orientation import turn_upright


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(7, 4), (1, 5), (4, 1), (1, 1)])
def test_turned_as_pillow_turns(orientation, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = orientation
    turned = turn_upright(pixels, orientation)
    np.testing.assert_array_equal(turned, np.asarray(upright(image)))
    assert turned.dtype == np.uint8
    assert turned.flags.c_contiguous
