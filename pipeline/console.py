"""What every command shares: results on stdout, everything else on stderr, a user's mistake in one message."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import typer

from roadwork.embed.stopping import Terminated, terminate_as_interrupt
from roadwork.errors import RoadworkError

INTERRUPTED, TERMINATED = 130, 143

_SHORT = 6
_MOST_LINES = 24
_RESUMED = "finished work is kept, run the same command again to go on"


@contextmanager
def explained(left: str = _RESUMED) -> Iterator[None]:
    """Turn a RoadworkError into its message on stderr and exit code 1; Ctrl-C into 130, SIGTERM into 143.

    `left` tells, after either signal, what becomes of the work that was done.
    A bug keeps its traceback. Inside, stdout is stderr, so that no library's print can spoil `--json`.
    """
    try:
        with terminate_as_interrupt(), redirect_stdout(sys.stderr):
            yield
    except RoadworkError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except Terminated:
        typer.echo(f"terminated: {left}", err=True)
        raise typer.Exit(TERMINATED) from None
    except KeyboardInterrupt:
        typer.echo(f"interrupted: {left}", err=True)
        raise typer.Exit(INTERRUPTED) from None


def show(result: dict[str, Any], as_json: bool, text: str | None = None) -> None:
    """Print a result: as one JSON document, or as `text` (default: a line for each of its first plain values)."""
    if as_json:
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        typer.echo(text if text is not None else "\n".join(_first(list(_lines(result)))))


def _first(lines: list[str]) -> list[str]:
    """As many as a screen holds, and how many there are besides."""
    if len(lines) <= _MOST_LINES:
        return lines
    return [*lines[:_MOST_LINES], f"... and {len(lines) - _MOST_LINES} more values: --json prints all"]


def _lines(result: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """`dotted.name: value` for numbers, texts and short lists; what is longer stands in the stage's own files."""
    for name, value in result.items():
        if isinstance(value, dict):
            yield from _lines(value, f"{prefix}{name}.")
        elif not isinstance(value, list):
            yield f"{prefix}{name}: {value}"
        elif len(value) <= _SHORT:
            yield f"{prefix}{name}: {json.dumps(value)}"
