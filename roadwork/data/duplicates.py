"""The same photograph twice in a source: which of two rows with the same bytes stays, and what is said of the other."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from roadwork.data.probe import Probe
from roadwork.data.record import Record
from roadwork.data.rejects import Reject
from roadwork.data.row import SPLITS, Row

_RANK = {name: rank for rank, name in enumerate((None, *SPLITS))}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A good row: where the source has it, its fields, and its photograph's facts and path; never the bytes."""

    place: str
    name: str
    row: Row
    probe: Probe
    path: str

    @property
    def described(self) -> str:
        """Place, split and label, for messages: `t.csv row 3 (train, label 1)`."""
        return f"{self.place} ({self.row.split or 'no split'}, {_label(self.row)})"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two good rows with the same bytes: the one that stays and the one that goes."""

    kept: Accepted
    dropped: Accepted

    @property
    def across_splits(self) -> bool:
        """Whether the source gives the two rows two different splits; a row without a split contradicts none."""
        return (
            None not in (self.kept.row.split, self.dropped.row.split) and self.kept.row.split != self.dropped.row.split
        )

    @property
    def labels_conflict(self) -> bool:
        """Whether one row says roadwork and the other none, so that one of them is wrong."""
        return {self.kept.row.label, self.dropped.row.label} == {0, 1}

    @property
    def reject(self) -> Reject:
        """The row that goes, with what it has other than the row that stays."""
        return duplicate_reject(
            self.dropped.place, self.dropped.name, self.kept, self.dropped.row, across=self.across_splits
        )

    @property
    def remembered(self) -> Duplicate:
        """The same with no more of the row that goes than what is told of it: there may be a million."""
        row = self.dropped.row
        return replace(self, dropped=replace(self.dropped, row=_bare_row(row.split, row.label), probe=self.kept.probe))


@functools.cache
def _bare_row(split: str | None, label: int | None) -> Row:
    return Row(split=split, label=label)


def choose(first: Accepted, second: Accepted) -> Duplicate:
    """Which of two rows with the same bytes stays: the one whose split is the more precious, else the first.

    What is only ever scored must never have been fitted to, so holdout goes before test, test before val, val before
    train, and any of them before no split.
    """
    if _RANK[second.row.split] > _RANK[first.row.split]:
        return Duplicate(kept=second, dropped=first)
    return Duplicate(kept=first, dropped=second)


def faulty_duplicate(record: Record, row: Row | None, kept: Accepted) -> Reject:
    """The reject of a row that has other faults too and the bytes of the good row `kept`."""
    return duplicate_reject(record.place, record.name, kept, row, across=False)


def duplicate_reject(place: str, name: str, kept: Accepted, row: Row | None, *, across: bool) -> Reject:
    """A reject that names the row that stays and, as far as it differs, its split and its label."""
    facts = [f"is in {kept.row.split}"] if across else []
    if row is not None and row.label != kept.row.label:
        facts.append(f"has {_label(kept.row)}")
    rule = "duplicate in another split" if across else "duplicate of"
    detail = ", which " + " and ".join(facts) if facts else ""
    return Reject(place, "path", name, f"{rule}: {kept.place}{detail}")


def _label(row: Row) -> str:
    return "no label" if row.label is None else f"label {row.label}"
