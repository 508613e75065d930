"""A decoder that a certain photograph kills, as a bug in a C library would."""

from __future__ import annotations

import os
import signal

import numpy as np
from numpy.typing import NDArray

from roadwork.views.decoder import CpuDecoder

POISON = b"\xff\xd9poison"
"""Behind the end of a JPEG, where no decoder looks."""


class PoisonedDecoder(CpuDecoder):
    """Dies of a photograph that ends in `POISON`."""

    def decode(self, content: bytes, *, max_pixels: int) -> NDArray[np.uint8]:
        if content.endswith(POISON):
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().decode(content, max_pixels=max_pixels)
