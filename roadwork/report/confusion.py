"""The confusion matrix as coloured cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from roadwork.report.palette import BLUE, ink_on, mixed

CLASSES = ("none", "roadwork")
_DEEPEST = 0.65


class Cell(NamedTuple):
    """`images` of one label and decision, their `share` of the label (None without any), and how it is drawn."""

    images: int
    share: float | None
    fill: str
    ink: str


class Row(NamedTuple):
    """The cells of one label, by decision in the order of CLASSES."""

    label: str
    cells: Sequence[Cell]


def confusion_rows(records: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The matrix from one record per image, `actual` and `predicted`."""
    counts = confusion_counts(records)
    return [Row(label, [_cell(counts, label, said) for said in CLASSES]) for label in CLASSES]


def confusion_counts(records: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    """Images by (actual, predicted)."""
    pairs = [(record["actual"], record["predicted"]) for record in records]
    return {(actual, said): pairs.count((actual, said)) for actual in CLASSES for said in CLASSES}


def _cell(counts: Mapping[tuple[str, str], int], label: str, said: str) -> Cell:
    labelled = sum(counts[label, other] for other in CLASSES)
    share = counts[label, said] / labelled if labelled else None
    fill = mixed(BLUE, _DEEPEST * (share or 0.0))
    return Cell(counts[label, said], share, fill, ink_on(fill))
