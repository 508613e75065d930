"""What every command shares: results on stdout, everything else on stderr, a user's mistake in one message."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

import typer

from roadwork.disk_fault import DISK_FAULTS
from roadwork.errors import RoadworkError
from roadwork.stopping import Terminated, terminate_as_interrupt

INTERRUPTED, TERMINATED = 130, 143

_HALF_PAIR = re.compile("[\ud800-\udfff]")
_SHORT = 6
_TORCH_MEMORY = ("CUDA out of memory", "can't allocate memory", "not enough memory")
_NO_MEMORY = """the machine's memory doesn't suffice
  rule: features, model and some photographs are held in memory at a time
  fix: end other programs, or lower embed.decode_workers, embed.batch_images, train.batch_size or ingest.max_pixels"""
_MOST_LINES = 24
_RESUMED = "finished work is kept, run the same command again to go on"


@contextmanager
def explained(left: str = _RESUMED) -> Iterator[None]:
    """Turn a RoadworkError into its message on stderr and exit code 1; Ctrl-C into 130, SIGTERM into 143.

    `left` tells, after either signal, what becomes of the work that was done. SIGHUP counts as SIGTERM. A disk or a
    memory that doesn't suffice is the machine's fault and told in one message; a bug keeps its traceback. Inside,
    stdout is stderr, so that no library's print can spoil `--json`.
    """
    with terminate_as_interrupt():  # until all is said: nothing disturbs the leaving
        try:
            with redirect_stdout(sys.stderr):
                yield
        except RoadworkError as error:
            raise _told(f"error: {error}", 1) from None
        except Terminated:
            raise _told(f"terminated: {left}", TERMINATED) from None
        except KeyboardInterrupt:
            raise _told(f"interrupted: {left}", INTERRUPTED) from None
        except (OSError, MemoryError, RuntimeError) as error:
            if (message := _machines_fault(error)) is None:
                raise
            raise _told(f"error: {message}", 1) from None


def _told(message: str, code: int) -> typer.Exit:
    with suppress(OSError):  # whoever read it may be gone: the exit code still tells
        typer.echo(message, err=True)
    return typer.Exit(code)


def _machines_fault(error: Exception) -> str | None:
    """The message for what this machine lacks rather than the program; None for a bug."""
    if isinstance(error, MemoryError) or any(word in str(error) for word in _TORCH_MEMORY):
        return _NO_MEMORY
    if not isinstance(error, OSError) or error.errno not in DISK_FAULTS:
        return None
    what = f"{os.strerror(error.errno)}" + (f": {error.filename}" if error.filename else "")
    return str(RoadworkError(what, fix=f"{DISK_FAULTS[error.errno]}, then run the same command again"))


def show(result: dict[str, Any], as_json: bool, text: str | None = None) -> None:
    """Print a result: as one JSON document, or as `text` (default: a line for each of its first plain values)."""
    if as_json:
        typer.echo(_HALF_PAIR.sub(_escaped, json.dumps(result, indent=2, ensure_ascii=False)))
    else:
        typer.echo(text if text is not None else "\n".join(_first(list(_lines(result)))))


def _escaped(half: re.Match[str]) -> str:
    """A byte of a file's name that is no UTF-8, which Python holds as half a pair, as JSON writes it."""
    return f"\\u{ord(half[0]):04x}"


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
