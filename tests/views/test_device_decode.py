from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from roadwork.views.device_decode import decode_on_device, has_nvjpeg, suits_nvjpeg, turn_upright_on_device
from roadwork.views.orientation import turn_upright

CPU = torch.device("cpu")


def encoded(mode: str = "RGB", form: str = "JPEG", size=(24, 16), **options) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, form, **options)
    return buffer.getvalue()


def header(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_only_baseline_jpegs_in_colour_are_for_nvjpeg():
    assert suits_nvjpeg(header(encoded()))
    for other in (encoded(progressive=True), encoded("L"), encoded("CMYK"), encoded(form="PNG")):
        assert not suits_nvjpeg(header(other))


@pytest.mark.parametrize("value", range(1, 9))
def test_turned_as_on_the_cpu(value):
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    turned = turn_upright_on_device(torch.from_numpy(pixels).permute(2, 0, 1), value)
    np.testing.assert_array_equal(turned.permute(1, 2, 0).numpy(), turn_upright(pixels, value))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchvisions_decoder_gives_planes_turned_upright():
    """The same call as on a GPU, on torchvision's own CPU decoder."""
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(exif=exif.tobytes())
    pixels = decode_on_device(content, header(content), CPU)
    assert pixels is not None
    assert pixels.shape == (3, 24, 16)
    with Image.open(io.BytesIO(content)) as image:
        expected = turn_upright(np.array(image), 6)
    assert np.abs(pixels.permute(1, 2, 0).numpy().astype(int) - expected).max() <= 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_refused_or_of_another_size_is_left_to_the_cpu(monkeypatch):
    content = encoded()
    assert decode_on_device(content[:100], header(content), CPU) is None
    assert decode_on_device(b"no jpeg", header(content), CPU) is None
    assert decode_on_device(encoded(size=(16, 24)), header(content), CPU) is None

    def exhausted(*_, **__):
        raise torch.OutOfMemoryError

    monkeypatch.setattr("torchvision.io.decode_jpeg", exhausted)
    with pytest.raises(torch.OutOfMemoryError):
        decode_on_device(content, header(content), CPU)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_capability_is_tried_not_looked_up():
    assert not has_nvjpeg(CPU)
    if not torch.cuda.is_available():
        assert not has_nvjpeg(torch.device("cuda"))
