"""JPEG decoding on the GPU, by nvJPEG through torchvision."""

from __future__ import annotations

import io
from functools import cache

import torch
from PIL import Image
from torch import Tensor

from roadwork.data.exif import orientation, read_exif

_TURNS = {  # of [3 height width]: whether the file's rows are the picture's columns, and what is flipped then
    1: (False, ()), 2: (False, (2,)), 3: (False, (1, 2)), 4: (False, (1,)),
    5: (True, ()), 6: (True, (2,)), 7: (True, (1, 2)), 8: (True, (1,)),
}  # fmt: skip


def suits_nvjpeg(header: Image.Image) -> bool:
    """Whether the file that `header` is Pillow's view of is one that nvJPEG decodes: a baseline JPEG in three colours.

    Progressive ones and those in CMYK or grey are for the CPU.
    """
    return header.format in ("JPEG", "MPO") and header.mode == "RGB" and not header.info.get("progressive")


def decode_on_device(content: bytes, header: Image.Image, device: torch.device) -> Tensor | None:
    """The photograph upright, uint8 `[3 height width]` on `device`; only its compressed bytes are copied there.

    None where nvJPEG refuses it, or gives another size than its header names: that is for the CPU to judge.
    """
    from torchvision.io import ImageReadMode, decode_jpeg  # only GPUs need it, and its days in torchvision are numbered

    try:
        encoded = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        pixels = decode_jpeg(encoded, mode=ImageReadMode.RGB, device=device)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:
        return None
    if not isinstance(pixels, Tensor) or tuple(pixels.shape) != (3, header.height, header.width):
        return None
    return turn_upright_on_device(pixels, orientation(read_exif(header)))


def turn_upright_on_device(pixels: Tensor, value: int) -> Tensor:
    """`pixels` `[3 height width]` turned as EXIF orientation `value`, 1 to 8, says."""
    transposed, flipped = _TURNS[value]
    return (pixels.transpose(1, 2) if transposed else pixels).flip(flipped)


@cache
def has_nvjpeg(device: torch.device) -> bool:
    """Whether a JPEG really decodes on `device`: a torchvision without nvJPEG can be imported all the same."""
    if device.type != "cuda":
        return False
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG")
    try:
        with Image.open(buffer) as header:
            return decode_on_device(buffer.getvalue(), header, device) is not None
    except ImportError:
        return False
