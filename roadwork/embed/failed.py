"""One error for all the photographs of a run that can't be embedded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from roadwork.errors import PhotographError

_NAMED = 8


def failed_photographs(errors: Iterable[PhotographError], *, finished: int, rejects: Path) -> PhotographError:
    """The error that names the first eight of `errors` and how many more there are; all have rows in `rejects`.

    `finished` others are cached.
    """
    errors = list(errors)
    count = len(errors)
    lines = [f"{error.where}: {error.what}" for error in errors[:_NAMED]]
    if count > _NAMED:
        lines.append(f"and {count - _NAMED} more")
    what = "a photograph can't be embedded" if count == 1 else f"{count} photographs can't be embedded"
    return PhotographError(
        f"{what}; the other {finished} are finished, nothing is published",
        where="\n    ".join(lines) if count == 1 else "\n    ".join(["", *lines]),
        rule="; ".join(dict.fromkeys(error.rule for error in errors if error.rule)) if count <= _NAMED else "",
        fix="; ".join([*dict.fromkeys(error.fix for error in errors if error.fix), _leave_out(rejects)]),
    )


def _leave_out(rejects: Path) -> str:
    """What helps for a photograph that nobody can mend."""
    left_out = rejects.with_name("left_out.csv")
    return f"to leave them out, copy the lines of {rejects} to {left_out} and begin with ingest"
