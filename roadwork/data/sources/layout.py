"""How a user's own photographs may be laid out, in a folder as in an object store, and what is said of other ways."""

from __future__ import annotations

from collections.abc import Iterable

from roadwork.errors import DataError
from roadwork.storage.place import Place

CLASS_FOLDERS = {"roadwork": 1, "no_roadwork": 0}
REQUIRED = ("path", "label")
# What a table may say beside `path`; everything else about a photograph is measured from its file.
FIELDS = (
    "split", "label", "latitude_deg", "longitude_deg", "gps", "weather", "daytime", "scene", "description", "group",
    "image_id", "source",
)  # fmt: skip
_MEASURED = ("width_px", "height_px")
LAYOUTS = "put photographs into roadwork/ and no_roadwork/, or a table with the columns path and label beside them"


def cell_text(path: object) -> str:
    """A cell of the column `path` as a text: "" where it is null."""
    if isinstance(path, bytes):
        path = path.decode("utf-8", "surrogateescape")
    return "" if path is None else str(path).strip()


def ignored_columns(columns: Iterable[str]) -> tuple[str, ...]:
    """The columns of a table that nothing reads."""
    return tuple(name for name in columns if name not in (*REQUIRED, *FIELDS, *_MEASURED))


def nothing_there(place: Place) -> DataError:
    """The error for a place with nothing in it."""
    return DataError("there is nothing at this path", where=f"ingest.path: {place}", fix="correct ingest.path")


def no_table(place: Place) -> DataError:
    """The error for a file of another kind."""
    return DataError(
        "not a table",
        where=f"ingest.path: {place}",
        rule="a folder, or a .csv or .parquet file",
        fix="name the folder it lies in, or a table; a table of another kind: save it as .csv",
    )


def several_tables(folder: Place, names: list[str]) -> DataError:
    """The error for a folder with more than one table, called `names`."""
    return DataError(
        f"{len(names)} tables: {', '.join(names)}",
        where=str(folder),
        rule="one",
        fix=f"ingest.path: {folder / names[0]} names one of them",
    )


def outside_classes(root: Place, strangers: list[str]) -> DataError:
    """The error for images (files and folders called `strangers`) that lie in no class folder."""
    shown = ", ".join(strangers[:5]) + (f" and {len(strangers) - 5} more" if len(strangers) > 5 else "")
    return DataError(
        f"images outside the class folders: {shown}",
        where=f"ingest.path: {root}",
        rule=f"without a table every image lies in {' or '.join(f'{name}/' for name in CLASS_FOLDERS)}",
        fix="move or rename them, or add a table with the columns path and label",
    )
