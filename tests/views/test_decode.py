from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFile

from roadwork.errors import PhotographError
from roadwork.views.decode import decode_rgb

LIMIT = 10_000
RED, WHITE, HALF_RED = (255, 0, 0), (255, 255, 255), (255, 127, 127)


def encoded(image: Image.Image, form: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def pixel(content: bytes, x: int = 0, y: int = 0) -> tuple[int, ...]:
    rgb = decode_rgb(content, max_pixels=LIMIT)
    assert rgb.dtype == np.uint8
    assert rgb.ndim == 3
    assert rgb.shape[2] == 3
    return tuple(rgb[y, x].tolist())


def corners() -> Image.Image:
    """24 x 16 px, a different colour in each quarter: no flip or turn leaves it as it was."""
    image = Image.new("RGB", (24, 16))
    for x, y, colour in ((0, 0, "red"), (12, 0, "lime"), (0, 8, "blue"), (12, 8, "white")):
        image.paste(colour, (x, y, x + 12, y + 8))
    return image


# How the upright picture is stored in the file, per EXIF value (EXIF 3.0, 4.6.5.1.6): row 0 and column 0 of the file.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],  # row 0 top, column 0 right
    3: lambda a: a[::-1, ::-1],  # bottom, right
    4: lambda a: a[::-1],  # bottom, left
    5: lambda a: a.transpose(1, 0, 2),  # left, top
    6: lambda a: a[:, ::-1].transpose(1, 0, 2),  # right, top
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),  # right, bottom
    8: lambda a: a[::-1].transpose(1, 0, 2),  # left, bottom
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_applied(orientation, form):
    upright = np.asarray(corners())
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if form == "JPEG" else {"lossless": True} if form == "WEBP" else {}
    rgb = decode_rgb(encoded(stored, form, exif=exif.tobytes(), **options), max_pixels=LIMIT)
    assert rgb.shape == upright.shape
    assert np.abs(rgb.astype(int) - upright).max() <= 8


@pytest.mark.parametrize("value", [0, 9])
def test_senseless_orientation_means_upright(value):
    exif = Image.Exif()
    exif[0x0112] = value
    assert decode_rgb(encoded(corners(), exif=exif.tobytes()), max_pixels=LIMIT).shape == (16, 24, 3)


def test_colours_are_kept():
    assert pixel(encoded(Image.new("RGB", (2, 2), (10, 20, 30)))) == (10, 20, 30)


def test_grey():
    assert pixel(encoded(Image.new("L", (2, 2), 77))) == (77, 77, 77)


def test_bilevel():
    assert pixel(encoded(Image.new("1", (2, 2), 1))) == WHITE


def test_palette():
    assert pixel(encoded(Image.new("RGB", (2, 2), RED).convert("P", palette=Image.Palette.ADAPTIVE))) == RED


@pytest.mark.parametrize(("alpha", "expected"), [(255, RED), (128, HALF_RED), (0, WHITE)])
def test_transparency_is_laid_over_white(alpha, expected):
    assert pixel(encoded(Image.new("RGBA", (2, 2), (*RED, alpha)))) == expected


def test_grey_with_alpha_is_laid_over_white():
    assert pixel(encoded(Image.new("LA", (2, 2), (0, 0)))) == WHITE


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_transparent_palette_entry_is_white(form):
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 255, *RED])
    assert pixel(encoded(image, form)) == RED
    assert pixel(encoded(image, form, transparency=1)) == WHITE


def test_transparent_colour_key_is_white():
    assert pixel(encoded(Image.new("RGB", (2, 2), RED), transparency=RED)) == WHITE
    assert pixel(encoded(Image.new("L", (2, 2), 40), transparency=40)) == WHITE


@pytest.mark.parametrize(
    ("ink", "expected"), [((0, 255, 255, 0), RED), ((0, 0, 0, 0), WHITE), ((0, 0, 0, 255), (0, 0, 0))]
)
@pytest.mark.parametrize("form", ["TIFF", "JPEG"])
def test_cmyk(form, ink, expected):
    content = encoded(Image.new("CMYK", (16, 16), ink), form, **({"quality": 95} if form == "JPEG" else {}))
    if form == "JPEG":  # the way Adobe writes CMYK: marked so, and with all four inks inverted
        assert b"Adobe" in content
    assert np.abs(np.subtract(pixel(content), expected)).max() <= 3


def test_sixteen_bit_grey_is_scaled_not_clipped():
    ramp = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    for form in ("PNG", "TIFF"):
        rgb = decode_rgb(encoded(Image.fromarray(ramp), form), max_pixels=LIMIT)
        assert rgb[0, :, 0].tolist() == [0, 1, 128, 255]


def test_sixteen_bit_portable_greymap_is_scaled():
    content = b"P5 3 1 65535\n" + np.array([0, 32768, 65535], dtype=">u2").tobytes()
    assert decode_rgb(content, max_pixels=LIMIT)[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([0, 32768, 65535], np.int32, [0, 128, 255]),
        ([-100, 0, 155], np.int32, [0, 100, 255]),
        ([0, 400_000, 1_000_000], np.int32, [0, 102, 255]),
        ([0.0, 0.5, 1.0], np.float32, [0, 128, 255]),
        ([0.0, 127.0, 255.0], np.float32, [0, 127, 255]),
        ([7e6, 7e6, 7e6], np.float32, [0, 0, 0]),
    ],
)
def test_thirty_two_bit_grey(values, dtype, expected):
    content = encoded(Image.fromarray(np.array([values], dtype=dtype)), "TIFF")
    assert decode_rgb(content, max_pixels=LIMIT)[0, :, 0].tolist() == expected


def test_float_pixels_that_are_not_finite_are_refused():
    content = encoded(Image.fromarray(np.array([[0.0, np.nan]], dtype=np.float32)), "TIFF")
    with pytest.raises(PhotographError, match="NaN or infinity"):
        decode_rgb(content, max_pixels=LIMIT)


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    assert pixel(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])) == RED


def test_file_and_bytes_agree(tmp_path):
    path = tmp_path / "photograph.png"
    path.write_bytes(encoded(corners()))
    np.testing.assert_array_equal(decode_rgb(path, max_pixels=LIMIT), decode_rgb(path.read_bytes(), max_pixels=LIMIT))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"this is a text", "not an image"),
        (encoded(Image.effect_noise((64, 64), 90), "JPEG")[:-600], "truncated"),
        (encoded(Image.effect_noise((64, 64), 90), "PNG")[:-600], "truncated"),
        (encoded(Image.effect_noise((64, 64), 90), "JPEG")[:40], "can't be read"),
    ],
)
def test_bad_bytes_are_refused_with_the_reason(content, reason, tmp_path):
    path = tmp_path / "bad.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotographError, match=reason) as caught:
        decode_rgb(path, max_pixels=LIMIT)
    assert caught.value.where == str(path)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_damaged_pixels_are_refused():
    content = bytearray(encoded(Image.effect_noise((64, 64), 90), "PNG"))
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(PhotographError):
        decode_rgb(bytes(content), max_pixels=LIMIT)


def test_missing_file(tmp_path):
    with pytest.raises(PhotographError, match="no such file"):
        decode_rgb(tmp_path / "none.jpg", max_pixels=LIMIT)


def test_too_many_pixels_are_refused_from_the_header():
    content = encoded(Image.new("L", (101, 100)))
    cut = content[:60]  # the header only: decoding the pixels would fail with another reason
    with pytest.raises(PhotographError, match="101 x 100 px is more than the 10000 pixels") as caught:
        decode_rgb(cut, max_pixels=LIMIT)
    assert "at most 10,000 pixels" in caught.value.rule
    assert caught.value.fix == "replace the file, or leave it out"
    assert decode_rgb(content, max_pixels=10_100).shape == (100, 101, 3)


def test_max_pixels_overrules_pillows_own_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode_rgb(encoded(Image.new("L", (100, 100))), max_pixels=LIMIT).shape == (100, 100, 3)
    assert Image.MAX_IMAGE_PIXELS == 10
