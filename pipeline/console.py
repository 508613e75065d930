"""What every command shares: results on stdout, everything else on stderr, a user's mistake in one message."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import FrameType
from typing import Any

import typer

from roadwork.errors import RoadworkError

INTERRUPTED, TERMINATED = 130, 143


@contextmanager
def explained() -> Iterator[None]:
    """Turn a RoadworkError into its message on stderr and exit code 1; Ctrl-C into 130, SIGTERM into 143.

    A bug keeps its traceback. Inside, stdout is stderr, so that no library's print can spoil `--json`.
    """
    earlier = signal.signal(signal.SIGTERM, _terminate)
    try:
        with redirect_stdout(sys.stderr):
            yield
    except RoadworkError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("interrupted: finished work is kept, run the same command again to go on", err=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, earlier)


def show(result: dict[str, Any], as_json: bool, text: str | None = None) -> None:
    """Print a result: as one JSON document, or as `text` (default: one `name: value` line for each entry)."""
    if as_json:
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        typer.echo(text if text is not None else "\n".join(f"{name}: {value}" for name, value in result.items()))


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)
