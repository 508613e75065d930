"""Where embedding runs: on this machine, or on a cluster. What is computed is the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from roadwork.embed.assembly import WriteJob, Written
from roadwork.embed.worklist import Worklist


class Engine(Protocol):
    """Takes photographs to the cache, and rows of the cache to a store."""

    @property
    def name(self) -> str:
        """As `embed.engine` names it."""
        ...

    @property
    def piece(self) -> int | None:
        """How many photographs it claims at a time; None: all that it is given."""
        ...

    def compute(self, work: Worklist) -> None:
        """Bring the photographs that iterating `work` gives into the cache.

        Tells `work` of each: `add` once its row is in the cache, `fail` where it can't be embedded. Whatever ends it,
        finished rows are kept. Rows that it loses for reasons of its own are left out, and asked for again.
        """
        ...

    def write(self, jobs: Iterable[WriteJob]) -> Iterator[Written]:
        """Run each of `jobs` (`assembly.run_job`) once, anywhere and in any order; what became of each."""
        ...
