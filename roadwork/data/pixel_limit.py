"""Pillow's own limit on pixels, out of the way while this project's applies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

_lock = threading.Lock()
_inside: list[int | None] = []


@contextmanager
def own_pixel_limit() -> Iterator[None]:
    """Within it Pillow opens an image of any size: the caller compares the header's size with its own limit.

    Pillow keeps its limit in a module variable, so the first of all threads to enter lifts it and the last to leave
    puts it back.
    """
    with _lock:
        _inside.append(Image.MAX_IMAGE_PIXELS)
        Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _lock:
            # Whoever enters second finds None: the first entry, kept at the bottom, is the true one.
            outer = _inside[0] if len(_inside) == 1 else None
            _inside.pop()
            Image.MAX_IMAGE_PIXELS = outer
