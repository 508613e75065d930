"""Rows that didn't make it into the manifest, each with its reason."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from roadwork.printable import printable
from roadwork.publish import published_file

COLUMNS = ("file", "column", "value", "rule")
_FORMULA = ("=", "+", "-", "@")
_MOST_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Reject:
    """One fault of one row.

    `file` names the row (`table.csv row 12`, `roadwork/a.jpg`), `column` the manifest column at fault (`path` for the
    photograph itself), `value` what stood there. `rule` is what was broken: a fixed part and, after a colon, whatever
    is particular to this row.
    """

    file: str
    column: str
    value: str
    rule: str

    @property
    def kind(self) -> str:
        """Column and the fixed part of the rule: rejects of one kind are counted together."""
        return f"{self.column}: {self.rule.partition(': ')[0]}"


def write_rejects(rejects: Iterable[Reject], path: Path) -> None:
    """Publish `rejects` as CSV with the columns `file, column, value, rule`; no rejects give the header alone.

    The texts are strangers', and what reads them may be a script that goes by lines or a spreadsheet that computes:
    one row is one line (characters that can't be seen are escapes), a text of more than 1,000 characters is cut, and
    one that a spreadsheet would take for a formula has an apostrophe before it (a plain number has none).
    """
    with published_file(path) as aside, aside.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_cell(getattr(reject, column)) for column in COLUMNS] for reject in rejects)


def _cell(text: str) -> str:
    shown = printable(text[:_MOST_CHARACTERS]) + ("…" if len(text) > _MOST_CHARACTERS else "")
    return f"'{shown}" if shown.startswith(_FORMULA) and not _is_number(shown) else shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
