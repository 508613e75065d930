"""A user's own photographs: class folders, or images with one table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from roadwork.data.record import Record, Source
from roadwork.data.sources.layout import (
    CLASS_FOLDERS,
    FIELDS,
    LAYOUTS,
    REQUIRED,
    cell_text,
    ignored_columns,
    no_table,
    nothing_there,
    outside_classes,
    several_tables,
)
from roadwork.data.sources.object_folder import read_object_folder
from roadwork.data.sources.table import Table, is_table, open_table, require_columns
from roadwork.data.sources.walk import files_below, is_hidden, is_image_name
from roadwork.errors import DataError
from roadwork.storage.place import Place


def read_folder(path: Place) -> Source:
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
    if not isinstance(path, Path):
        return read_object_folder(path)
    if not path.exists():
        raise nothing_there(path)
    if path.is_file():
        if not is_table(path.name):
            raise no_table(path)
        return _from_table(path)
    entries = sorted(entry for entry in path.iterdir() if not is_hidden(entry.name))
    if not entries:
        raise DataError("the folder is empty", where=f"ingest.path: {path}", fix=LAYOUTS)
    tables = [entry for entry in entries if entry.is_file() and is_table(entry.name)]
    if len(tables) > 1:
        raise several_tables(path, [table.name for table in tables])
    return _from_table(tables[0]) if tables else _from_class_folders(path, entries)


def _from_table(path: Path) -> Source:
    table = open_table(path)
    require_columns(table.columns, REQUIRED, str(path))
    root = path.parent
    count, listed = 0, set[str]()
    for _, row in table.rows(("path",)):
        count += 1
        listed.add(os.path.abspath(root / cell_text(row["path"])))
    if not count:
        raise DataError("the table has no rows", where=str(path), fix="add a row per photograph")
    unlisted = sum(is_image_name(file.name) and os.path.abspath(file) not in listed for file in files_below(root))
    return Source(root, count, _table_records(table, root), unlisted, ignored_columns(table.columns))


def _table_records(table: Table, root: Path) -> Iterator[Record]:
    for number, row in table.rows((*REQUIRED, *FIELDS)):
        name = cell_text(row.pop("path"))
        yield Record(f"{table.path.name} row {number}", name, root / name, None, row)


def _from_class_folders(root: Path, entries: list[Path]) -> Source:
    folders = {entry.name.casefold(): entry for entry in entries if entry.is_dir()}
    others = [entry for name, entry in folders.items() if name not in CLASS_FOLDERS]
    strangers = [f"{entry.name}/" for entry in others if any(is_image_name(file.name) for file in files_below(entry))]
    strangers += [entry.name for entry in entries if entry.is_file() and is_image_name(entry.name)]
    if strangers:
        raise outside_classes(root, strangers)
    labelled = [
        (file, label) for name, label in CLASS_FOLDERS.items() if name in folders for file in files_below(folders[name])
    ]
    if not labelled:
        raise DataError("no photographs", where=f"ingest.path: {root}", fix=LAYOUTS)
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
