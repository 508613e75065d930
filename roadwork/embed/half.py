"""Float16 with the check that comes before the cast: nothing overflows to infinity in silence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadwork.errors import StoreError

LARGEST = float(np.finfo(np.float16).max)


def to_float16(values: NDArray[np.floating], image_ids: Sequence[str]) -> NDArray[np.float16]:
    """`values [image ...]` as float16, rounded to nearest; `image_ids` names the rows.

    Raises StoreError that names the first image with a NaN, an infinity or a magnitude above 65,504.
    """
    if len(values) != len(image_ids):
        raise ValueError(f"{len(values)} rows for {len(image_ids)} image ids")
    if values.size:
        with np.errstate(invalid="ignore"):
            good = (np.abs(values) <= LARGEST).reshape(len(values), -1).all(axis=1)
        if not good.all():
            row = int(np.argmin(good))
            worst = np.abs(values[row]).max()
            raise StoreError(
                f"the embedding of image {image_ids[row]} does not fit float16: its largest magnitude is {worst}",
                where=f"image {image_ids[row]}",
                rule=f"finite values of at most {LARGEST:.0f}",
                fix="check the backbone's weights and `backbone.precision`; the photograph itself is readable",
            )
    return values.astype(np.float16)
