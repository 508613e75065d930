"""A user's own photographs: class folders, or images with one table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from roadwork.data.record import Record, Source
from roadwork.data.sources.table import Table, is_table, open_table, require_columns
from roadwork.data.sources.walk import files_below, is_hidden, is_image_name
from roadwork.errors import DataError

CLASS_FOLDERS = {"roadwork": 1, "no_roadwork": 0}
REQUIRED = ("path", "label")
# What a table may say beside `path`; everything else about a photograph is measured from its file.
FIELDS = (
    "split", "label", "latitude_deg", "longitude_deg", "gps", "weather", "daytime", "scene", "description", "group",
    "image_id", "source",
)  # fmt: skip
_MEASURED = ("width_px", "height_px")


def read_folder(path: Path) -> Source:
    """The photographs of `path`, by one of three layouts.

    - a table file (CSV, Parquet) with the manifest's column names, of which `path` and `label` are required; its paths
      are relative to the folder it lies in,
    - a folder with one such table at its root,
    - a folder with the class folders `roadwork/` and `no_roadwork/`: every file in them is a record, however deep;
      hidden files are ignored.

    Class folders come in the order roadwork, no_roadwork, files sorted by path; a table keeps its order.

    Raises DataError where there is no such path, nothing in it, more than one table, no readable table, or images in
    other folders than the class folders.
    """
    if not path.exists():
        raise DataError("there is nothing at this path", where=f"ingest.path: {path}", fix="correct ingest.path")
    if path.is_file():
        if not is_table(path):
            raise DataError(
                "not a table",
                where=f"ingest.path: {path}",
                rule="a folder, or a .csv or .parquet file",
                fix="name the folder it lies in, or a table; a table of another kind: save it as .csv",
            )
        return _from_table(path)
    entries = sorted(entry for entry in path.iterdir() if not is_hidden(entry.name))
    if not entries:
        raise DataError("the folder is empty", where=f"ingest.path: {path}", fix=_LAYOUTS)
    tables = [entry for entry in entries if entry.is_file() and is_table(entry)]
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise DataError(
            f"{len(tables)} tables: {names}",
            where=str(path),
            rule="one",
            fix=f"ingest.path: {tables[0]} names one of them",
        )
    return _from_table(tables[0]) if tables else _from_class_folders(path, entries)


_LAYOUTS = "put photographs into roadwork/ and no_roadwork/, or a table with the columns path and label beside them"


def _from_table(path: Path) -> Source:
    table = open_table(path)
    require_columns(table.columns, REQUIRED, str(path))
    root = path.parent
    count, listed = 0, set[str]()
    for _, row in table.rows(("path",)):
        count += 1
        listed.add(os.path.abspath(root / _name(row["path"])))
    if not count:
        raise DataError("the table has no rows", where=str(path), fix="add a row per photograph")
    unlisted = sum(is_image_name(file) and os.path.abspath(file) not in listed for file in files_below(root))
    ignored = tuple(name for name in table.columns if name not in (*REQUIRED, *FIELDS, *_MEASURED))
    return Source(root, count, _table_records(table), unlisted, ignored)


def _table_records(table: Table) -> Iterator[Record]:
    for number, row in table.rows((*REQUIRED, *FIELDS)):
        name = _name(row.pop("path"))
        yield Record(f"{table.path.name} row {number}", name, table.path.parent / name, None, row)


def _name(path: object) -> str:
    """A cell of the column `path` as a text: "" where it is null."""
    if isinstance(path, bytes):
        path = path.decode("utf-8", "surrogateescape")
    return "" if path is None else str(path).strip()


def _from_class_folders(root: Path, entries: list[Path]) -> Source:
    folders = {entry.name.casefold(): entry for entry in entries if entry.is_dir()}
    others = [entry for name, entry in folders.items() if name not in CLASS_FOLDERS]
    strangers = [f"{entry.name}/" for entry in others if any(is_image_name(file) for file in files_below(entry))]
    strangers += [entry.name for entry in entries if entry.is_file() and is_image_name(entry)]
    if strangers:
        shown = ", ".join(strangers[:5]) + (f" and {len(strangers) - 5} more" if len(strangers) > 5 else "")
        raise DataError(
            f"images outside the class folders: {shown}",
            where=f"ingest.path: {root}",
            rule=f"without a table every image lies in {' or '.join(f'{name}/' for name in CLASS_FOLDERS)}",
            fix="move or rename them, or add a table with the columns path and label",
        )
    labelled = [
        (file, label) for name, label in CLASS_FOLDERS.items() if name in folders for file in files_below(folders[name])
    ]
    if not labelled:
        raise DataError("no photographs", where=f"ingest.path: {root}", fix=_LAYOUTS)
    _require_one_class(root, labelled)
    return Source(root, len(labelled), _folder_records(root, labelled))


def _require_one_class(root: Path, labelled: list[tuple[Path, int]]) -> None:
    """DataError where a link makes one file a member of both classes: one of its labels would be wrong."""
    found: dict[str, tuple[Path, int]] = {}
    for file, label in labelled:
        earlier, other = found.setdefault(os.path.realpath(file), (file, label))
        if other != label:
            raise DataError(
                f"{file.relative_to(root)} and {earlier.relative_to(root)} are one file, through a link",
                where=f"ingest.path: {root}",
                rule="a photograph is in one class",
                fix="remove the link that leads from one class folder into the other, or to a folder above both",
            )


def _folder_records(root: Path, labelled: list[tuple[Path, int]]) -> Iterator[Record]:
    for file, label in labelled:
        name = file.relative_to(root).as_posix()
        yield Record(name, name, file, None, {"label": label})
