"""Views cut on any device by matrix products, where PyTorch has no LANCZOS of its own."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadwork.views.lanczos import lanczos_weights


def cut_views_by_products(pixels: Tensor, boxes: NDArray[np.int32], size_px: int) -> Tensor:
    """The parts `boxes` `[view 4]` of `pixels` (uint8 `[3 height width]`): uint8 `[view size size 3]`, on their device.

    The same views as those of `cut_views` but for the last bits: between the columns and the rows nothing is rounded
    to whole grey levels. On CUDA the products take and give float16: exact for the pixels, to eleven bits for the
    weights and for what lies between, which is an eighth of a grey level at most. Views between the same rows share
    their vertical product: a row of tiles, and of a landscape photograph the whole, the centre and the right.
    """
    dtype = torch.float16 if pixels.device.type == "cuda" else torch.float32
    values = pixels.to(dtype)
    bands: dict[tuple[int, int], Tensor] = {}
    views = torch.empty((len(boxes), size_px, size_px, 3), dtype=torch.uint8, device=pixels.device)
    for view, (left, top, right, bottom) in zip(views, boxes.tolist(), strict=True):
        if (top, bottom) not in bands:
            bands[top, bottom] = _weights(bottom - top, size_px, pixels.device, dtype) @ values[:, top:bottom]
        columns = _weights(right - left, size_px, pixels.device, dtype)
        view.copy_(_as_bytes(bands[top, bottom][:, :, left:right] @ columns.T).permute(1, 2, 0))
    return views


def _as_bytes(values: Tensor) -> Tensor:
    return values.round().clamp(0, 255).to(torch.uint8)


def _weights(length: int, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    found = _kept_weights(length, size, device, dtype)
    if found.is_cuda:  # another thread's stream may have made it: its memory mustn't be reused while this one reads it
        found.record_stream(torch.cuda.current_stream(device))
    return found


@lru_cache(maxsize=32)  # the photographs of one camera have two dozen lengths; 4 MB each at most on a GPU
def _kept_weights(length: int, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(lanczos_weights(length, size)).to(device, dtype)
