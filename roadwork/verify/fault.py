"""What is wrong with a project, told as an error is told, but gathered instead of raised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from roadwork.errors import RoadworkError

_SHOWN = 5


@dataclass(frozen=True)
class Fault:
    """What is wrong, where, by which rule, and which stage to run again."""

    what: str
    where: str = ""
    rule: str = ""
    fix: str = ""

    @classmethod
    def of(cls, error: RoadworkError) -> Self:
        """The same as `error`."""
        return cls(error.what, error.where, error.rule, error.fix)


@dataclass
class Faults:
    """The faults of one link, in the order in which they were found."""

    found: list[Fault] = field(default_factory=list)

    def add(self, what: str, *, where: str = "", rule: str = "", fix: str = "") -> None:
        """Note one."""
        self.found.append(Fault(what, where, rule, fix))

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Inside, a RoadworkError ends the block and is noted as a fault; the walk goes on behind the block."""
        try:
            yield
        except RoadworkError as error:
            self.found.append(Fault.of(error))


def listed(items: Sequence[object]) -> str:
    """The first of `items`, and how many there are besides."""
    shown = ", ".join(str(item) for item in items[:_SHOWN])
    return shown if len(items) <= _SHOWN else f"{shown} and {len(items) - _SHOWN} more"
