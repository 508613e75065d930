"""A user's table of photographs, CSV or Parquet, row by row: its size is no matter of memory."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from roadwork.data.sources.object_file import open_binary, parquet_input
from roadwork.errors import DataError
from roadwork.printable import printable
from roadwork.storage.place import Place

SUFFIXES = (".csv", ".parquet")

_BATCH_ROWS = 1024
# What one column of one row group may unpack to. A table's texts are far from it; a file made to fill memory isn't.
_MOST_CHUNK_BYTES = 1_000_000_000
_REWRITE = "write it again, for example with pandas' to_parquet"

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}

Rows = Iterator[tuple[int, dict[str, Any]]]


def is_table(name: str) -> bool:
    """Whether a file's name ends like a table's, in any case."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


@dataclass(frozen=True)
class Table:
    """A table whose header was read and checked: the names of its columns, and its rows as often as they are asked for.

    Rows are numbered as a spreadsheet shows them: the header of a CSV is row 1, its first row 2; the first row of a
    Parquet file is row 1. The values of a CSV are texts.
    """

    path: Place
    columns: tuple[str, ...]

    def rows(self, wanted: Collection[str]) -> Rows:
        """Row number and values of the `wanted` columns that there are, for every row.

        Raises DataError where the file turns out not to be readable as a table.
        """
        columns = [name for name in self.columns if name in wanted]
        return _csv_rows(self, columns) if _is_csv(self.path) else _parquet_rows(self.path, columns)


def open_table(path: Place) -> Table:
    """The table at `path`; DataError where it isn't readable as one or a column stands twice."""
    columns = _csv_columns(path) if _is_csv(path) else _open_parquet(path).schema_arrow.names
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise _unreadable(path, f"column `{printable(twice[0])}` stands twice", "keep one of them")
    return Table(path, tuple(columns))


def require_columns(columns: Iterable[str], required: Iterable[str], where: str) -> None:
    """Raise DataError naming the first of `required` that is missing, and the nearest of the `columns` there are."""
    existing = [printable(name[:100]) for name in columns]
    for name in required:
        if name in existing:
            continue
        near = difflib.get_close_matches(name, existing, n=1, cutoff=0.5)
        shown = ", ".join(existing[:30]) + (f" and {len(existing) - 30} more" if len(existing) > 30 else "")
        hint = f"rename `{near[0]}` to `{name}`" if near else f"add it; the table has: {shown or 'none'}"
        raise DataError(f"column `{name}` is missing", where=where, rule=f"required: {', '.join(required)}", fix=hint)


def _is_csv(path: Place) -> bool:
    return PurePosixPath(path.name).suffix.lower() == ".csv"


def _csv_columns(path: Place) -> list[str]:
    columns = [name.strip() for name in next(_csv_lines(path), (1, []))[1]]
    if any("\0" in name for name in columns):
        raise _unreadable(path, "there are NUL characters in its header", "save it as UTF-8")
    for separator, called in _OTHER_SEPARATORS.items():
        if len(columns) == 1 and separator in columns[0]:
            raise _unreadable(path, f"its values are separated by {called}", "save it with commas")
    return columns


def _csv_rows(table: Table, wanted: list[str]) -> Rows:
    places = [(name, table.columns.index(name)) for name in wanted]
    lines = _csv_lines(table.path)
    next(lines, None)
    for number, values in lines:
        if not values:
            continue
        if len(values) != len(table.columns):
            raise _unreadable(
                table.path,
                f"row {number} has {len(values)} values, the header {len(table.columns)}",
                "put values with commas in quotes",
            )
        yield number, {name: values[place] for name, place in places}


def _csv_lines(path: Place) -> Iterator[tuple[int, list[str]]]:
    number = 0
    try:
        with io.TextIOWrapper(open_binary(path), encoding="utf-8-sig", newline="") as stream:
            for number, values in enumerate(csv.reader(stream, strict=True), start=1):  # told below
                yield number, values
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"after row {number}: {error}", "save it as UTF-8") from None
    except (csv.Error, OSError) as error:
        raise _unreadable(path, f"row {number + 1}: {error}", "mend the file") from None


def _open_parquet(path: Place, texts: list[str] | None = None) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(parquet_input(path), read_dictionary=texts)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, _line(error), _REWRITE) from None


def _parquet_rows(path: Place, wanted: list[str]) -> Rows:
    schema = _open_parquet(path).schema_arrow
    # A text that stands in many rows stands in memory once.
    texts = [name for name in wanted if pa.types.is_string(schema.field(name).type)]
    opened = _open_parquet(path, texts)
    _require_small_chunks(path, opened.metadata, wanted)
    number = 0
    try:
        for batch in opened.iter_batches(_BATCH_ROWS, columns=wanted):
            columns = [(name, batch.column(name)) for name in wanted]
            for row in range(batch.num_rows):
                number += 1
                yield number, {name: column[row].as_py() for name, column in columns}
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _unreadable(path, f"after row {number}: {_line(error)}", _REWRITE) from None


def _require_small_chunks(path: Place, metadata: pq.FileMetaData, wanted: list[str]) -> None:
    for group in range(metadata.num_row_groups):
        sizes: dict[str, int] = {}
        for place in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(place)
            name = chunk.path_in_schema.partition(".")[0]
            sizes[name] = sizes.get(name, 0) + chunk.total_uncompressed_size
        for name in wanted:
            if sizes.get(name, 0) > _MOST_CHUNK_BYTES:
                raise _unreadable(
                    path,
                    f"column `{name}` unpacks to {sizes[name] / 1e9:.1f} GB in one row group; 1 GB is the most",
                    "shorten its texts, or write the table with smaller row groups",
                )


def _line(error: Exception) -> str:
    return printable(str(error).partition("\n")[0][:500])


def _unreadable(path: Place, why: str, fix: str) -> DataError:
    return DataError(f"not readable as a table: {why}", where=str(path), fix=fix)
