"""Photographs in an object store, by the same layouts as in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from roadwork.data.below import below
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
from roadwork.data.sources.table import Table, is_table, open_table, require_columns
from roadwork.data.sources.walk import is_hidden, is_image_name
from roadwork.errors import DataError
from roadwork.storage.objects import listed, object_exists
from roadwork.storage.place import Place

if TYPE_CHECKING:
    from upath import UPath


def read_object_folder(place: UPath) -> Source:
    """The photographs at `place`, as `read_folder` describes; it raises what that does.

    One listing tells the names and sizes of all of them: what a table names and the store doesn't have costs no more.
    """
    if is_table(place.name) and object_exists(place):
        return _from_table(place, visible_sizes(place.parent))
    sizes = visible_sizes(place)
    if not sizes:
        raise no_table(place) if object_exists(place) else nothing_there(place)
    tables = [name for name in sizes if "/" not in name and is_table(name)]
    if len(tables) > 1:
        raise several_tables(place, tables)
    return _from_table(place / tables[0], sizes) if tables else _from_class_folders(place, sizes)


def visible_sizes(folder: UPath) -> dict[str, int]:
    """By name below `folder`, the size in bytes of every object that isn't hidden, nor in a hidden folder."""
    return {
        entry.name: entry.size_bytes
        for entry in listed(folder, deep=True)
        if entry.name and not entry.name.endswith("/") and not any(is_hidden(part) for part in entry.name.split("/"))
    }


def name_below(file: Place, root: Place) -> str:
    """The name of `file` as a listing of `root` has it."""
    return str(file).removeprefix(f"{str(root).rstrip('/')}/")


def _from_table(place: UPath, sizes: dict[str, int]) -> Source:
    table = open_table(place)
    require_columns(table.columns, REQUIRED, str(place))
    root = place.parent
    count, named = 0, set[str]()
    for _, row in table.rows(("path",)):
        count += 1
        named.add(name_below(below(root, cell_text(row["path"])), root))
    if not count:
        raise DataError("the table has no rows", where=str(place), fix="add a row per photograph")
    unlisted = sum(is_image_name(name) and name not in named for name in sizes)
    return Source(root, count, _table_records(table, root, sizes), unlisted, ignored_columns(table.columns))


def _table_records(table: Table, root: UPath, sizes: dict[str, int]) -> Iterator[Record]:
    for number, row in table.rows((*REQUIRED, *FIELDS)):
        name = cell_text(row.pop("path"))
        file = below(root, name)
        yield Record(f"{table.path.name} row {number}", name, file, None, row, sizes.get(name_below(file, root)))


def _from_class_folders(root: UPath, sizes: dict[str, int]) -> Source:
    strangers = sorted({_first(name) for name in sizes if is_image_name(name) and _class_of(name) is None})
    if strangers:
        raise outside_classes(root, strangers)
    labelled = [
        (name, label)
        for folder, label in CLASS_FOLDERS.items()
        for name in sorted(sizes, key=lambda name: name.split("/"))
        if _class_of(name) == folder
    ]
    if not labelled:
        raise DataError("no photographs", where=f"ingest.path: {root}", fix=LAYOUTS)
    records = (Record(name, name, below(root, name), None, {"label": label}, sizes[name]) for name, label in labelled)
    return Source(root, len(labelled), records)


def _first(name: str) -> str:
    folder, slash, _ = name.partition("/")
    return folder + slash


def _class_of(name: str) -> str | None:
    folder, slash, _ = name.partition("/")
    return folder.casefold() if slash and folder.casefold() in CLASS_FOLDERS else None
