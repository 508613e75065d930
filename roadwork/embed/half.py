"""Float16 with the checks that belong to the cast: nothing becomes infinite, or nothing at all, in silence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadwork.errors import StoreError

LARGEST = float(np.finfo(np.float16).max)
_FIX = "check the model's weights and `backbone.precision`; the photograph itself is readable"
_NAMED = 8


def to_float16(values: NDArray[np.floating], image_ids: Sequence[str]) -> NDArray[np.float16]:
    """`values [image ...]` as float16, rounded to nearest; `image_ids` names the rows.

    Raises StoreError that names the images with a NaN, an infinity or a magnitude above 65,504.
    """
    if len(values) != len(image_ids):
        raise ValueError(f"{len(values)} rows for {len(image_ids)} image ids")
    if values.dtype == np.float16 and np.isfinite(values).all():  # nothing to cast
        return values
    if values.size:
        with np.errstate(invalid="ignore"):
            bad = np.asarray(~(np.abs(values) <= LARGEST)).reshape(len(values), -1).any(axis=1)
        if bad.any():
            row = int(np.argmax(bad))
            worst = np.abs(values[row]).max()
            raise StoreError(
                f"the embedding of image {image_ids[row]} does not fit float16: its largest magnitude is {worst}",
                where=_images(np.flatnonzero(bad), image_ids),
                rule=f"finite values of at most {LARGEST:.0f}",
                fix=_FIX,
            )
    return values.astype(np.float16)


def refuse_flat(rows: NDArray[np.float16], image_ids: Sequence[str]) -> None:
    """Raise StoreError that names the images where a vector of `rows [image ... dim]` has only equal numbers.

    Such a vector (of zeros, mostly) says nothing about what was embedded: a dead model gives it, or values that are too
    small for float16. Vectors of a single number are let pass.
    """
    if rows.shape[-1] < 2 or not rows.size:
        return
    flat = (rows == rows[..., :1]).all(axis=-1).reshape(len(rows), -1)
    if flat.any():
        row = int(np.argmax(flat.any(axis=1)))
        view = int(np.argmax(flat[row]))
        value = rows[row].reshape(-1, rows.shape[-1])[view, 0]
        raise StoreError(
            f"the embedding of image {image_ids[row]} says nothing: every number of its vector {view} is {value}",
            where=_images(np.flatnonzero(flat.any(axis=1)), image_ids),
            rule="a vector has different numbers",
            fix=_FIX,
        )


def _images(rows: NDArray[np.intp], image_ids: Sequence[str]) -> str:
    names = ", ".join(image_ids[int(row)] for row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return f"image {names}{more}"
