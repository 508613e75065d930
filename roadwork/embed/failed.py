"""One error for all the photographs of a run that can't be embedded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from roadwork.errors import PhotographError
from roadwork.printable import printable

_NAMED = 8


def failed_photographs(errors: Iterable[PhotographError], *, finished: int, rejects: Path) -> PhotographError:
    """The error that names the first eight of `errors` and how many more there are; all have rows in `rejects`.

    `finished` others are cached.
    """
    errors = list(errors)
    count = len(errors)
    rest = f"the other {finished} are finished, nothing is published"
    fix = "; ".join([*dict.fromkeys(error.fix for error in errors if error.fix), _leave_out(rejects)])
    if count == 1:
        (error,) = errors
        what = f"a photograph can't be embedded: {error.what}; {rest}"
        return PhotographError(what, where=error.where, rule=error.rule, fix=fix)
    lines = [f"{count} photographs can't be embedded; {rest}", *(_line(error) for error in errors[:_NAMED])]
    if count > _NAMED:
        lines.append(f"    and {count - _NAMED} more")
    return PhotographError("\n".join(lines), fix=fix)


def _line(error: PhotographError) -> str:
    rule = f" ({error.rule})" if error.rule else ""
    return printable(f"    {error.where}: {error.what}{rule}")


def _leave_out(rejects: Path) -> str:
    """What helps for a photograph that nobody can mend."""
    left_out = rejects.with_name("left_out.csv")
    return f"to leave them out, append the lines of {rejects} to {left_out} and begin with ingest"
