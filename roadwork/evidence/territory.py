"""Which tile's tint each pixel of a photograph shows: tiles overlap, tints don't."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadwork.evidence.view import ViewEvidence

NOBODY = -1


def territory(
    tiles: NDArray[np.int32], views: Sequence[ViewEvidence], width_px: int, height_px: int
) -> NDArray[np.int16]:
    """Number of the tile that each pixel belongs to, `[height width]`; NOBODY where no head kept any tile over it.

    `tiles` are the boxes `[tile 4]` of `views`. Of several kept tiles the most telling one has the pixel, so that a
    tint ends where the outline of its tile does.
    """
    owner = np.full((height_px, width_px), NOBODY, dtype=np.int16)
    kept = [number for number, view in enumerate(views) if view.kept > 0]
    for number in sorted(kept, key=lambda number: (abs(views[number].deletion), -number)):
        left, top, right, bottom = tiles[number].tolist()
        owner[top:bottom, left:right] = number
    return owner
