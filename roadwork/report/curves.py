"""The curves of a training, as DVCLive left them: one TSV with the columns `step` and the quantity per file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from roadwork.errors import DataError

_COLUMNS = 2

Points: TypeAlias = Sequence[tuple[int, float]]
"""(step, value), in order."""

Curves: TypeAlias = Mapping[str, Points]
"""Points by quantity, such as `train/total`."""


def read_curves(live: Path) -> dict[str, list[tuple[int, float]]]:
    """The `Curves` under the DVCLive folder `live`; empty where the training left none.

    Raises DataError for a file that isn't such a table.
    """
    folder = live / "plots" / "metrics"
    found = {}
    for file in sorted(folder.rglob("*.tsv")):
        try:
            points = _points(file)
        except (ValueError, csv.Error) as error:
            raise DataError(
                f"no curve: {error}", where=str(file), rule="columns step and one quantity", fix="train again"
            ) from error
        found[file.relative_to(folder).with_suffix("").as_posix()] = points
    return found


def _points(file: Path) -> list[tuple[int, float]]:
    """ValueError where the first line doesn't name `step` and a quantity, or a line isn't a number of each."""
    with file.open(encoding="utf-8", newline="") as stream:
        names, *rows = csv.reader(stream, delimiter="\t")
        if len(names) != _COLUMNS or names[0] != "step":
            raise ValueError(f"its columns are {', '.join(names)}")
        return [(int(step), float(value)) for step, value in rows]
