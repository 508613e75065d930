"""The two ways from a photograph's bytes to its views: on the CPU, and on a GPU."""

from __future__ import annotations

import io
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from roadwork.data.pillow_errors import BROKEN
from roadwork.data.pixel_limit import own_pixel_limit
from roadwork.errors import CapabilityError
from roadwork.views.decode import decode_rgb
from roadwork.views.device_decode import decode_on_device, has_nvjpeg, suits_nvjpeg
from roadwork.views.geometry import ViewsConfig
from roadwork.views.matrix_resample import cut_views_by_products
from roadwork.views.resample import cut_views

Pixels = NDArray[np.uint8] | Tensor
"""A photograph upright, `[height width 3]`."""


class Decoder(Protocol):
    """Decodes and cuts; several threads may use one at a time."""

    def decode(self, content: bytes, *, max_pixels: int) -> Pixels:
        """The photograph of the file `content`; raises PhotographError as `decode_rgb` does."""
        ...

    def cut(self, pixels: Pixels, boxes: NDArray[np.int32], size_px: int) -> Pixels:
        """The views `boxes` `[view 4]` of what `decode` gave: uint8 `[view size size 3]`."""
        ...


class CpuDecoder:
    """libjpeg-turbo or Pillow, and PyTorch's LANCZOS: the reference."""

    def decode(self, content: bytes, *, max_pixels: int) -> NDArray[np.uint8]:
        """The photograph `[height width 3]`."""
        return decode_rgb(content, max_pixels=max_pixels)

    def cut(self, pixels: Pixels, boxes: NDArray[np.int32], size_px: int) -> NDArray[np.uint8]:
        """The views, in memory."""
        return cut_views(np.asarray(pixels), boxes, size_px)


class DeviceDecoder:
    """nvJPEG where the device has it, and matrix products; what nvJPEG can't do is decoded on the CPU.

    Its views differ from the CPU's in the last bits. Each thread works on a CUDA stream of its own and waits for it, so
    what it returns is finished, and the model's stream never waits for a photograph that is still being cut.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._thread = threading.local()

    def decode(self, content: bytes, *, max_pixels: int) -> Tensor:
        """The photograph `[height width 3]` on the device, with its colours in planes."""
        with self._stream():
            pixels = self._by_nvjpeg(content, max_pixels) if has_nvjpeg(self._device) else None
            if pixels is None:
                pixels = torch.from_numpy(decode_rgb(content, max_pixels=max_pixels)).to(self._device).permute(2, 0, 1)
            return pixels.permute(1, 2, 0)

    def cut(self, pixels: Pixels, boxes: NDArray[np.int32], size_px: int) -> Tensor:
        """The views on the device."""
        with self._stream():
            views = cut_views_by_products(torch.as_tensor(pixels).permute(2, 0, 1), boxes, size_px)
            if self._device.type == "cuda":
                torch.cuda.current_stream(self._device).synchronize()
            return views

    def _by_nvjpeg(self, content: bytes, max_pixels: int) -> Tensor | None:
        try:
            with own_pixel_limit(), Image.open(io.BytesIO(content), formats=["JPEG"]) as header:
                if header.width * header.height > max_pixels or not suits_nvjpeg(header):
                    return None
                return decode_on_device(content, header, self._device)
        except BROKEN:  # the CPU's decoder says what is wrong
            return None

    def _stream(self) -> AbstractContextManager[object]:
        if self._device.type != "cuda":
            return nullcontext()
        if not hasattr(self._thread, "stream"):
            self._thread.stream = torch.cuda.Stream(self._device)
        return torch.cuda.stream(self._thread.stream)


def decoder_of(views: ViewsConfig, device: torch.device) -> Decoder:
    """What `views.decoder` names, beside a model on `device`.

    Raises CapabilityError for `cuda` where the model is elsewhere or no JPEG decodes on the GPU.
    """
    if views.decoder == "cpu":
        return CpuDecoder()
    if not has_nvjpeg(device):
        raise CapabilityError(
            f"views.decoder is cuda, and this machine can't decode JPEGs on a GPU (the model runs on {device})",
            where="params.yaml: views.decoder",
            rule="it needs the model on a CUDA device, and a torchvision with nvJPEG",
            fix="set views.decoder to cpu (other last bits, so every photograph is embedded again)",
        )
    return DeviceDecoder(device)
