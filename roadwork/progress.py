"""Progress and notes for people, always on stderr: stdout belongs to results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

_PLAIN_INTERVAL_S = 10.0


class Advance(Protocol):
    """Call with the number of items that were just finished."""

    def __call__(self, items: int = 1) -> None:
        """Count `items` more as finished."""
        ...


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(_pace(speed, task.fields["unit"]) if speed else "")


def note(message: str) -> None:
    """One line for the person who watches, on stderr."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(message, markup=False)


@contextmanager
def progress(title: str, total: int, unit: str = "images") -> Iterator[Advance]:
    """A bar with rate and time left on a terminal; elsewhere a line every ten seconds. Yields `advance(items)`."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bars:
            task = bars.add_task(title, total=total, unit=unit)
            yield lambda items=1: bars.advance(task, items)
        return
    start = last = time.monotonic()
    done = 0

    def advance(items: int = 1) -> None:
        nonlocal done, last
        done += items
        now = time.monotonic()
        if now - last >= _PLAIN_INTERVAL_S:
            last = now
            rate = done / (now - start)
            left = f", {_pace(rate, unit)}, {(total - done) / rate:.0f} s left" if rate else ""
            note(f"{title}: {done}/{total} {unit}{left}")

    yield advance


def _pace(rate: float, unit: str) -> str:
    """Items in a second, or the seconds of an item where that is the longer."""
    return f"{rate:.1f} {unit}/s" if rate >= 1 else f"{1 / rate:.1f} s for each of the {unit}"
