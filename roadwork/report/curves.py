"""The curves of a training, as DVCLive left them: one TSV with the columns `step` and the quantity per file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from roadwork.errors import DataError

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
            table = pd.read_csv(file, sep="\t")
            points = list(zip(table["step"].astype(int), table[table.columns[-1]].astype(float), strict=True))
        except (KeyError, ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise DataError(
                f"no curve: {error}", where=str(file), rule="columns step and one quantity", fix="train again"
            ) from error
        found[file.relative_to(folder).with_suffix("").as_posix()] = points
    return found
