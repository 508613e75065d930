"""How the CPU's cores are shared out when several photographs go through the model at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_MOST_AT_ONCE = 16  # each holds a photograph's activations, half a gigabyte with ViT-H+ at 512 px


@contextmanager
def cpu_threads() -> Iterator[int]:
    """How many threads may call a model at a time; within, a call from a *new* thread uses its share of the cores only.

    That is one core each, up to 16 of as many as PyTorch would have used in one call (all, unless OMP_NUM_THREADS says
    otherwise); of more cores, each call gets several. Setting PyTorch's number counts for the threads begun
    after it, and for the caller until the end.
    """
    cores = torch.get_num_threads()
    at_once = min(cores, _MOST_AT_ONCE)
    torch.set_num_threads(cores // at_once)
    try:
        yield at_once
    finally:
        torch.set_num_threads(cores)
