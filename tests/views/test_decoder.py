"""The GPU's way is the same code on the CPU: what it decodes, cuts and refuses is tried there."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from roadwork.errors import CapabilityError, PhotographError
from roadwork.views import decoder as module
from roadwork.views.decode import decode_rgb
from roadwork.views.decoder import CpuDecoder, DeviceDecoder, decoder_of
from roadwork.views.geometry import ViewsConfig, view_boxes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torchvision announces its decoders' end

CPU = torch.device("cpu")
LIMIT = 100_000


def config(decoder: str) -> ViewsConfig:
    return ViewsConfig.model_validate({"grid": 3, "overlap": 0.25, "size_px": 32, "decoder": decoder})


def encoded(form: str = "JPEG", **options) -> bytes:
    x, y = np.meshgrid(np.linspace(0, 6, 120), np.linspace(0, 5, 90))
    pixels = (np.stack([np.sin(x + y), np.cos(y * 2), np.sin(x * y / 3)], axis=2) * 100 + 128).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / max(1e-9, ((a.astype(float) - b) ** 2).mean()))


@pytest.mark.parametrize("content", [encoded(), encoded(progressive=True), encoded("PNG")], ids=["jpeg", "pro", "png"])
@pytest.mark.parametrize("nvjpeg", [False, True])
def test_both_ways_give_the_same_views(content, nvjpeg, monkeypatch):
    monkeypatch.setattr(module, "has_nvjpeg", lambda device: nvjpeg)  # true: torchvision's CPU decoder in its place
    boxes = view_boxes(120, 90, grid=3, overlap=0.25)
    ours, device = CpuDecoder(), DeviceDecoder(CPU)
    expected = ours.cut(ours.decode(content, max_pixels=LIMIT), boxes, 32)
    pixels = device.decode(content, max_pixels=LIMIT)
    views = device.cut(pixels, boxes, 32)
    assert isinstance(views, torch.Tensor)
    assert pixels.shape == (90, 120, 3)
    assert all(psnr_db(a, b) >= 45 for a, b in zip(views.numpy(), expected, strict=True))


@pytest.mark.parametrize("nvjpeg", [False, True])
def test_a_bad_photograph_is_refused_with_the_cpus_reason(nvjpeg, monkeypatch):
    monkeypatch.setattr(module, "has_nvjpeg", lambda device: nvjpeg)
    with pytest.raises(PhotographError, match="truncated"):
        DeviceDecoder(CPU).decode(encoded()[:-200], max_pixels=LIMIT)
    with pytest.raises(PhotographError, match="not an image"):
        DeviceDecoder(CPU).decode(b"text", max_pixels=LIMIT)
    with pytest.raises(PhotographError, match="more than the 100 pixels"):
        DeviceDecoder(CPU).decode(encoded(), max_pixels=100)


def test_the_parameter_chooses(monkeypatch):
    assert isinstance(decoder_of(config("cpu"), CPU), CpuDecoder)
    with pytest.raises(CapabilityError, match=r"(?s)on a GPU \(the model runs on cpu\).*views\.decoder.*nvJPEG"):
        decoder_of(config("cuda"), CPU)
    monkeypatch.setattr(module, "has_nvjpeg", lambda device: True)
    assert isinstance(decoder_of(config("cuda"), CPU), DeviceDecoder)


def test_the_reference_is_decode_and_cut():
    np.testing.assert_array_equal(
        CpuDecoder().decode(encoded(), max_pixels=LIMIT), decode_rgb(encoded(), max_pixels=LIMIT)
    )
