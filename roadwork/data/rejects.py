"""Rows that didn't make it into the manifest, each with its reason."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from roadwork.publish import published_file


@dataclass(frozen=True)
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
    """Publish `rejects` as CSV with the columns `file, column, value, rule`; no rejects give the header alone."""
    with published_file(path) as aside, aside.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([field.name for field in fields(Reject)])
        writer.writerows(astuple(reject) for reject in rejects)
