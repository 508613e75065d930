"""One photograph that is to be embedded. PyTorch isn't imported here: processes without a model know it, too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadwork.storage.place import Place


@dataclass(frozen=True)
class Photograph:
    """One photograph as the stream takes it."""

    image_id: str
    path: Place
    boxes: NDArray[np.int32]  # view 4: left, top, right, bottom
    pixels: int  # width times height, as ingest found it
