"""The order of an epoch for embeddings that needn't fit into memory: window after window.

A window is a group of the store's chunks, chosen anew each epoch, that is in memory while its images are used. Every
image is used as often as the epoch's order draws it, within a window in the order drawn.

The order depends on the table and on the declared size of a window, never on the machine's memory: whether embeddings
are kept in memory or streamed from the disk, a training gives the same bits. Where a window holds all chunks, the order
is the one drawn.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from roadwork.embed.store import CHUNK_IMAGES
from roadwork.seeding import derive
from roadwork.train.embeddings import Embeddings


def in_windows(order: Tensor, embeddings: Embeddings, *, window_images: int, seed: int, epoch: int) -> Tensor:
    """The rows `order [image]` of `embeddings` once more, those of one window together; `embeddings` expect them now.

    A window has at most `window_images` images of the store (at least one chunk), and all windows have as many chunks,
    or one less.
    """
    chunk_of = embeddings.store_rows // CHUNK_IMAGES
    chunks = np.unique(chunk_of)
    windows = -(-len(chunks) // window_chunks(window_images))
    if windows > 1:
        generator = torch.Generator().manual_seed(derive(seed, "windows", epoch))
        window_of = torch.empty(len(chunks), dtype=torch.int64)
        window_of[torch.randperm(len(chunks), generator=generator)] = torch.arange(len(chunks)) * windows // len(chunks)
        drawn = torch.from_numpy(np.searchsorted(chunks, chunk_of))[order]
        order = order[torch.argsort(window_of[drawn], stable=True)]
    return embeddings.expect(order)


def window_chunks(window_images: int) -> int:
    """Chunks of a window."""
    return max(1, window_images // CHUNK_IMAGES)
