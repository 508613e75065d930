"""The Hugging Face dataset `natix-network-org/roadwork`: Parquet files with the photographs inside."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from roadwork.data.below import below
from roadwork.data.photograph_file import read_photograph
from roadwork.data.record import Record, Source
from roadwork.data.sources.hub import download_dataset
from roadwork.data.sources.object_file import parquet_input
from roadwork.data.sources.table import require_columns
from roadwork.errors import DataError, PhotographError
from roadwork.storage.objects import folders, listed
from roadwork.storage.place import Place

# Column of the data set -> field of a record. The dots are literal parts of the names.
FIELDS = {
    "label": "label",
    "gps": "gps",
    "scene_level_tags.weather": "weather",
    "scene_level_tags.daytime": "daytime",
    "scene_level_tags.scene_environment": "scene",
    "scene_description": "description",
}
_IDENTITY = ("id", "city_name", "video_info.seq_id", "video_info.vid_id")
COLUMNS = ("image", *FIELDS, *_IDENTITY)
SPLITS = ("train", "test")
PATTERN = "data/*.parquet"

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_LARGE_IMAGE = pa.struct([("bytes", pa.large_binary()), ("path", pa.large_string())])
_MOST_BYTES = 1_000_000_000  # of a file beside the table; ingest's own limit comes after it

# One batch of photographs of one or two megabytes is what is in memory at a time.
_BATCH_ROWS = 16


def read_natix(path: Place | str) -> Source:
    """The rows of a local copy of the data set, `train` before `test`, in the order of file names and rows.

    `path` is the folder that holds `data/train-*.parquet` and `data/test-*.parquet`, that `data` folder itself, or a
    hub id such as `natix-network-org/roadwork`, which is downloaded (or found in the hub's cache); it may end in
    @REVISION. The split is the file's; the group is the video (`vid_id`), or city and sequence where there is no video.

    Raises DataError where the path or its files are missing, unreadable or lack a column.
    """
    if not isinstance(path, Path | str):
        return _of_files(path, path / "data" if "data" in folders(path) else path)
    local = Path(path)
    if not local.exists():
        if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*(@[\w./-]+)?", str(path)):
            raise DataError("there is nothing at this path", where=f"ingest.path: {path}", fix=_expected("that folder"))
        local = download_dataset(str(path), PATTERN, fix=_expected("a folder"))
    return _of_files(local, local / "data" if (local / "data").is_dir() else local)


def _of_files(root: Place, folder: Place) -> Source:
    files = [(split, file) for split in SPLITS for file in _named(folder, split)]
    for split in SPLITS:
        if not any(name == split for name, _ in files):
            raise DataError(f"no {split}-*.parquet", where=str(folder), fix=_expected(str(root)))
    count = sum(_open(file).metadata.num_rows for _, file in files)
    if not count:
        raise DataError("the files have no rows", where=str(folder), fix="download them again")
    return Source(root, count, _records(root, files))


def _named(folder: Place, split: str) -> list[Place]:
    if not isinstance(folder, Path):
        names = [entry.name for entry in listed(folder)]
        return [folder / name for name in names if fnmatchcase(name, f"{split}-*.parquet")]
    return sorted(file for file in folder.glob(f"{split}-*.parquet") if file.is_file())


def _expected(folder: str) -> str:
    return (
        "download data/train-*.parquet and data/test-*.parquet of natix-network-org/roadwork "
        f"into {folder} and set ingest.path to it"
    )


def _open(file: Place) -> pq.ParquetFile:
    """The open file, its columns checked; nothing but the footer is read."""
    try:
        opened = pq.ParquetFile(parquet_input(file))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(file, error) from None
    names = opened.schema_arrow.names
    require_columns(names, COLUMNS, str(file))
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"column `{twice[0]}` stands twice", where=str(file), fix="download the file again")
    kind = opened.schema_arrow.field("image").type
    if not kind.equals(_IMAGE) and not kind.equals(_LARGE_IMAGE):
        raise DataError(
            f"the column `image` holds {kind}", where=str(file), rule=f"{_IMAGE}", fix="download the file again"
        )
    return opened


def _records(root: Place, files: list[tuple[str, Place]]) -> Iterator[Record]:
    for split, file in files:
        number = 0
        try:
            for batch in _open(file).iter_batches(_BATCH_ROWS, columns=list(COLUMNS)):
                for row in batch.to_pylist():
                    number += 1
                    yield _record(root, f"{file.name} row {number}", split, row)
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            raise _unreadable(file, error) from None


def _record(root: Place, place: str, split: str, row: dict[str, Any]) -> Record:
    image = row["image"] or {}
    content, inner = image.get("bytes"), image.get("path")
    file = None
    if content is None and inner:
        file = below(root, inner)
        # A file that can't be read or lies elsewhere stays a path: the row is rejected for it.
        if not isinstance(file, Path) or Path(os.path.abspath(file)).is_relative_to(os.path.abspath(str(root))):
            with suppress(PhotographError):
                file, content = None, read_photograph(file, max_bytes=_MOST_BYTES)
    fields = {field: row[column] for column, field in FIELDS.items()}
    fields |= {"split": split, "group": _group(row)}
    return Record(place, inner or str(row["id"]), file, None if file else content or b"", fields)


def _group(row: dict[str, Any]) -> object:
    video, sequence = row["video_info.vid_id"], row["video_info.seq_id"]
    if video not in (None, "", "null"):
        return video
    return None if sequence is None else f"{row['city_name']}/{sequence}"


def _unreadable(file: Place, error: Exception) -> DataError:
    return DataError(f"not readable as Parquet: {error}", where=str(file), fix="download the file again")
