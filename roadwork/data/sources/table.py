"""A user's table of photographs, CSV or Parquet, as plain rows."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from roadwork.errors import DataError

SUFFIXES = (".csv", ".parquet")


def is_table(path: Path) -> bool:
    """Whether the file's name ends like a table's, in any case."""
    return path.suffix.lower() in SUFFIXES


def read_table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, Any]]]]:
    """Column names, and the rows as (row number, values by column).

    Rows are numbered as a spreadsheet shows them: the header of a CSV is row 1, its first row 2; the first row of a
    Parquet file is row 1. The values of a CSV are texts. Raises DataError where the file can't be read as a table.
    """
    return _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path)


def require_columns(columns: Iterable[str], required: Iterable[str], where: str) -> None:
    """Raise DataError naming the first of `required` that is missing, and the nearest of the `columns` there are."""
    existing = list(columns)
    for name in required:
        if name in existing:
            continue
        near = difflib.get_close_matches(name, existing, n=1, cutoff=0.5)
        hint = f"rename `{near[0]}` to `{name}`" if near else f"add it; the table has: {', '.join(existing) or 'none'}"
        raise DataError(f"column `{name}` is missing", where=where, rule=f"required: {', '.join(required)}", fix=hint)


def _read_csv(path: Path) -> tuple[list[str], list[tuple[int, dict[str, Any]]]]:
    rows: list[tuple[int, dict[str, Any]]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            columns = [name.strip() for name in next(reader, [])]
            for number, values in enumerate(reader, start=2):
                if not values:
                    continue
                if len(values) != len(columns):
                    raise _unreadable(
                        path,
                        f"row {number} has {len(values)} values, the header {len(columns)}",
                        "put values with commas in quotes",
                    )
                rows.append((number, dict(zip(columns, values, strict=True))))
    except UnicodeDecodeError as error:
        raise _unreadable(path, str(error), "save it as UTF-8") from None
    except (csv.Error, OSError) as error:
        raise _unreadable(path, str(error), "mend the file") from None
    _check_names(path, columns)
    return columns, rows


def _read_parquet(path: Path) -> tuple[list[str], list[tuple[int, dict[str, Any]]]]:
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, str(error), "write it again, for example with pandas' to_parquet") from None
    _check_names(path, table.column_names)
    return table.column_names, list(enumerate(table.to_pylist(), start=1))


def _check_names(path: Path, columns: list[str]) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise _unreadable(path, f"column `{twice[0]}` stands twice", "keep one of them")


def _unreadable(path: Path, why: str, fix: str) -> DataError:
    return DataError(f"not readable as a table: {why}", where=str(path), fix=fix)
