"""Where photographs are probed: by processes of this machine, or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from roadwork.data.examine import ProbePhotograph
from roadwork.data.probe_limits import ProbeLimits
from roadwork.data.probe_pool import ProbePool

_WAITING = 16
"""Photographs of an object store that are on their way while others are decoded."""


class Probing(Protocol):
    """One way to probe photographs. What it finds is the same whatever the way, and however many processes."""

    @contextmanager
    def open(self, *, remote: bool) -> Iterator[tuple[ProbePhotograph, int]]:
        """What probes, and how many threads may call it at a time. `remote`: photographs come from an object store.

        At the block's end every process is ended, which frees the threads that wait for one.
        """
        ...


@dataclass(frozen=True)
class LocalProbing:
    """Processes of this machine: `workers` decode at a time."""

    limits: ProbeLimits
    workers: int

    @contextmanager
    def open(self, *, remote: bool) -> Iterator[tuple[ProbePhotograph, int]]:
        """A ProbePool, and a thread for each process and each photograph that is waited for."""
        with ProbePool(self.limits, most=self.workers) as probe:
            yield probe, self.workers + (_WAITING if remote else 0)
