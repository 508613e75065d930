"""A decoded photograph of any kind as upright 8-bit RGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roadwork.data.exif import orientation, read_exif

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(photograph: Image.Image) -> Image.Image:
    """`photograph`, loaded, turned as its EXIF orientation says."""
    turn = _UPRIGHT.get(orientation(read_exif(photograph)))
    return photograph if turn is None else photograph.transpose(turn)


def rgb(image: Image.Image) -> Image.Image:
    """`image`, loaded, as 8-bit RGB.

    Transparency is laid over white. CMYK is converted without a colour profile. Greyscale of 16 bits is scaled to 8;
    32-bit integers beyond 16 bits and floats beyond 0-1, which have no fixed white, are stretched from their own
    minimum to their maximum.

    Raises one of `BROKEN` for pixels that no colour can be told of: NaN, infinity, a palette or mode without meaning.
    """
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode.startswith("I;16"):
        return Image.fromarray(_scaled(np.asarray(image), 65535)).convert("RGB")
    if image.mode in ("I", "F"):
        return Image.fromarray(_stretched(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, colours).convert("RGB")
    return image.convert("RGB")


def _stretched(raw: NDArray[np.generic]) -> NDArray[np.uint8]:
    """32-bit greyscale as 8 bits: by its usual white (65,535 or 1.0) where all values fit, else by their own range."""
    with np.errstate(invalid="ignore"):  # a NaN may come with the bit that signals
        values = raw.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("the pixels hold NaN or infinity")
    low, high = float(values.min()), float(values.max())
    white = 1.0 if np.issubdtype(raw.dtype, np.floating) else 65535.0
    if low < 0 or high > white:
        values, white = values - low, (high - low) or 1.0
    return _scaled(values, white)


def _scaled(values: NDArray[np.generic], white: float) -> NDArray[np.uint8]:
    return np.rint(values.astype(np.float64) * (255 / white)).astype(np.uint8)
