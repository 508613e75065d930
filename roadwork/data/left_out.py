"""The photographs that a person has decided to leave out."""

from __future__ import annotations

import csv
import re
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path

from roadwork.data.rejects import COLUMNS
from roadwork.errors import DataError
from roadwork.printable import beginning

_SHA256 = re.compile(r"[0-9a-f]{64}")
RULE = "left out"
"""How the rule of their rejects begins."""


@dataclass(frozen=True)
class LeftOut:
    """Reasons by image id (of any photograph with these bytes), and by path below the source's root."""

    image_ids: dict[str, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.image_ids) + len(self.paths)

    def unused(self, met: Set[str]) -> list[str]:
        """The image ids and paths of which none was `met`."""
        return [name for name in (*self.image_ids, *self.paths) if name not in met]


def read_left_out(path: Path) -> LeftOut:
    """The list at `path`: nothing where there is no such file.

    A CSV with the columns of a rejects file, `file, column, value, rule`, whose lines can be copied: `column` is
    `image_id` or `path`, `value` that of the photograph, `rule` the reason; `file` is for its reader only. DataError,
    with the line's number, for any other.
    """
    found = LeftOut()
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream, strict=True)
            if tuple(next(lines, ())) != COLUMNS:
                raise _faulty(path, 1, f"the header is not {','.join(COLUMNS)}")
            for number, values in enumerate(lines, start=2):
                if values and tuple(values) != COLUMNS:  # a header comes along where a whole file is appended
                    _take(found, values, path, number)
    except FileNotFoundError:
        return LeftOut()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _faulty(path, None, f"not readable as CSV: {error}") from None
    return found


def _take(found: LeftOut, values: list[str], path: Path, number: int) -> None:
    if len(values) != len(COLUMNS):
        raise _faulty(path, number, f"{len(values)} values")
    _, column, value, rule = (text.strip() for text in values)
    if column == "image_id" and _SHA256.fullmatch(value):
        found.image_ids[value] = rule
    elif column == "path" and value:
        found.paths[value] = rule
    else:
        shown = beginning(value, most=100, write=repr)
        raise _faulty(path, number, f"column {beginning(column, most=100, write=repr)} with the value {shown}")


def _faulty(path: Path, number: int | None, what: str) -> DataError:
    return DataError(
        f"the list of photographs to leave out: {what}",
        where=str(path) if number is None else f"{path} row {number}",
        rule="file,column,value,rule, where column is image_id (value: the SHA-256 of its bytes) or path (value: its "
        "path in the manifest), and rule is the reason",
        fix="copy lines of the file of rejects that embedding wrote, or write such lines",
    )
