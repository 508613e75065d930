"""Feature tables of any size that look like real ones: cheap to make, the same each time.

A weak signal lies in half of the views of images with roadwork, so that a training has something to learn.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

VIEWS, DIM = 12, 1280


def image_ids(images: int) -> list[str]:
    """Sixty-four hex digits per image, as a sha256 has."""
    return [f"{number:064x}" for number in range(images)]


def labels(images: int) -> NDArray[np.int64]:
    """Zeros and ones in turn."""
    return np.arange(images, dtype=np.int64) % 2


def embedding_blocks(images: int, *, block: int = 1024, seed: int = 0) -> Iterator[NDArray[np.float16]]:
    """The embeddings of `images` images, `[image view dim]` in pieces of `block`; each depends on its place alone."""
    for start in range(0, images, block):
        count = min(block, images - start)
        generator = np.random.default_rng((seed, start))
        piece = generator.standard_normal((count, VIEWS, DIM), dtype=np.float32)
        signal = 0.3 * labels(start + count)[start:]
        piece[:, ::2, :8] += signal[:, None, None]
        yield piece.astype(np.float16)
