"""One line of the table: two things that were timed in one run, and what their ratio should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


class UnequalError(AssertionError):
    """What is to be compared doesn't give the same result: its time would say nothing."""


@dataclass(frozen=True)
class Scale:
    """How large the work is. `quick` is for trying whether a benchmark runs; its figures are worth nothing."""

    quick: bool = False
    gpu: bool = False
    ray: bool = False

    def of(self, full: int, quick: int) -> int:
        """`full`, or `quick` in a quick run."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Target:
    """What the issue of speed asks of a figure: `at most` or `at least` a value."""

    kind: Literal["at most", "at least"]
    value: float

    def met_by(self, figure: float) -> bool:
        """Whether `figure` is on the right side."""
        return figure <= self.value if self.kind == "at most" else figure >= self.value


@dataclass(frozen=True)
class Row:
    """A figure of one run.

    `figure` is what counts (a ratio, a share, a number of rows; `unit` says which; None: not measured, `note` says
    why), `low` and `high` the smallest and largest over the rounds. `limit` is the physical limit, in words, `detail`
    whatever else was seen: numbers by name.
    """

    name: str  # file.what, such as views.file_to_views_224
    what: str  # one line for people: ours against what
    figure: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    target: Target | None = None
    limit: str = ""
    note: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target or a figure."""
        if self.target is None or self.figure is None:
            return None
        return self.target.met_by(self.figure)
