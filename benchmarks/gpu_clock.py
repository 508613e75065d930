"""How long a device works, and how long it waits; the clock of the host where there is no CUDA."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def finish(device: torch.device) -> None:
    """Wait until all that was launched is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Busy:
    """Wraps a model's calls and adds up the seconds that the device spends in them.

    CUDA events before and after each call are read at the end, so nothing waits meanwhile; the model's stream runs its
    calls one after the other, so the sum is the time that it was at work.
    """

    def __init__(self, embed: Callable[[Tensor], Tensor], device: torch.device) -> None:
        self._embed, self._device = embed, device
        self._events: list[tuple[Any, Any]] = []

    def __call__(self, views: Tensor) -> Tensor:
        before, after = self._mark(), None
        vectors = self._embed(views)
        after = self._mark()
        self._events.append((before, after))
        return vectors

    @property
    def seconds(self) -> float:
        """Seconds within the calls so far."""
        finish(self._device)
        if self._device.type == "cuda":
            return sum(before.elapsed_time(after) for before, after in self._events) / 1000
        return sum(after - before for before, after in self._events)

    def _mark(self) -> Any:
        if self._device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event
