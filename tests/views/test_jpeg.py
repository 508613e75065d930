"""libjpeg-turbo against Pillow: the same pixels for every kind of JPEG, and Pillow's word where anything is odd."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from roadwork.errors import PhotographError
from roadwork.views import jpeg
from roadwork.views.decode import decode_rgb
from roadwork.views.jpeg import decode_jpeg

LIMIT = 20_000_000
PHOTOS = Path(__file__).resolve().parents[2] / ".." / "shared" / "photos" / "no_roadwork"


def scene(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Edges, colours and noise: whatever a decoder rounds or smooths differently shows."""
    rng = np.random.default_rng(width * 10_000 + height)
    blocks = Image.fromarray(rng.integers(0, 256, (height // 9 + 1, width // 9 + 1, 3), dtype=np.uint8))
    pixels = np.asarray(blocks.resize((width, height), Image.Resampling.NEAREST)).astype(int)
    noisy = (pixels + rng.integers(-20, 21, pixels.shape)).clip(0, 255).astype(np.uint8)
    return Image.fromarray(noisy).convert(mode)


def encoded(image: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def by_turbo(content: bytes) -> np.ndarray | None:
    with Image.open(io.BytesIO(content)) as header:
        return decode_jpeg(content, header)


def by_pillow(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.array(image.convert("RGB"))


@pytest.mark.parametrize("size", [(64, 48), (57, 43), (1, 1), (8, 1), (3, 200), (257, 129)])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"optimize": True}])
@pytest.mark.parametrize("quality", [30, 95])
def test_the_pixels_are_pillows(size, subsampling, options, quality):
    content = encoded(scene(*size), quality=quality, subsampling=subsampling, **options)
    np.testing.assert_array_equal(by_turbo(content), by_pillow(content))


def with_sampling(content: bytes, luma: int) -> bytes:
    """`content` (4:2:2 or 4:4:4) with other sampling factors of its first colour; its blocks mean another picture."""
    start = content.index(b"\xff\xc0")
    changed = bytearray(content)
    changed[start + 11] = luma
    return bytes(changed)


def test_chroma_that_is_halved_in_height_only():
    """4:4:0, which Pillow doesn't write: of 16 px squares 4:2:2's blocks come in the same number and order."""
    content = with_sampling(encoded(scene(64, 64), quality=90, subsampling="4:2:2"), 0x12)
    np.testing.assert_array_equal(by_turbo(content), by_pillow(content))


def test_colours_stored_as_rgb():
    content = encoded(scene(50, 40), quality=90, keep_rgb=True)
    assert b"\x03R\x11\x00G\x11\x00B\x11\x00" in content  # the names of the frame's colours
    np.testing.assert_array_equal(by_turbo(content), by_pillow(content))


def test_metadata_and_what_follows_the_end_change_nothing():
    plain = encoded(scene(64, 48))
    exif = Image.Exif()
    exif[0x010F] = "maker"
    told = encoded(scene(64, 48), exif=exif.tobytes(), icc_profile=b"p" * 300, comment=b"note")
    for content in (plain + b"trailing bytes", plain + plain, told):
        np.testing.assert_array_equal(by_turbo(content), by_pillow(plain))


def test_a_picture_with_more_pictures_behind_it():
    buffer = io.BytesIO()
    scene(64, 48).save(buffer, "MPO", save_all=True, append_images=[scene(48, 64)])
    with Image.open(buffer) as header:
        assert header.format == "MPO"
    np.testing.assert_array_equal(by_turbo(buffer.getvalue()), by_pillow(buffer.getvalue()))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours_are_left_to_pillow(mode):
    content = encoded(scene(32, 32, mode))
    assert by_turbo(content) is None
    assert decode_rgb(content, max_pixels=LIMIT).shape == (32, 32, 3)


def test_other_formats_are_left_to_pillow():
    buffer = io.BytesIO()
    scene(32, 32).save(buffer, "PNG")
    assert by_turbo(buffer.getvalue()) is None


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_truncated_file_is_refused_as_pillow_does(keep, progressive):
    content = encoded(scene(300, 200), quality=90, progressive=progressive)
    cut = content[: int(len(content) * keep)]
    assert by_turbo(cut) is None
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    with pytest.raises(PhotographError, match="truncated"):
        decode_rgb(cut, max_pixels=LIMIT)


def test_a_damaged_file_is_judged_by_pillow():
    """Whatever the flipped byte does, the outcome is Pillow's: its pixels, or its refusal."""
    content = encoded(scene(120, 90), quality=80, restart_marker_rows=1)
    rng = np.random.default_rng(3)
    outcomes = set()
    for place in rng.integers(20, len(content), 150):
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.integers(8)
        try:
            expected = by_pillow(bytes(damaged))
        except Exception:
            with pytest.raises(PhotographError):
                decode_rgb(bytes(damaged), max_pixels=LIMIT)
            outcomes.add("refused")
            continue
        with Image.open(io.BytesIO(damaged)) as header:
            turned = header.getexif().get(0x0112, 1) != 1
        if not turned:
            np.testing.assert_array_equal(decode_rgb(bytes(damaged), max_pixels=LIMIT), expected)
            outcomes.add("pixels")
    assert outcomes == {"refused", "pixels"}


def test_another_size_than_pillow_read_is_left_to_pillow(monkeypatch):
    content = encoded(scene(32, 24))
    monkeypatch.setattr(jpeg.simplejpeg, "decode_jpeg_header", lambda *_, **__: (1000, 1000, "YCbCr", "420"))
    assert by_turbo(content) is None


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="no photographs here")
@pytest.mark.parametrize("name", ["phone_4032x3024", "portland_DSC00001", "lund_01", "highway_test1"])
def test_real_photographs(name):
    content = (PHOTOS / f"{name}.jpg").read_bytes()
    np.testing.assert_array_equal(by_turbo(content), by_pillow(content))
