"""The one table of all photographs; its row order is the row order of every store."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from roadwork.data.below import below
from roadwork.errors import DataError
from roadwork.publish import published_file
from roadwork.storage.place import Place, reopened

COLUMNS = (
    "image_id", "path", "width_px", "height_px", "split", "label", "latitude_deg", "longitude_deg",
    "weather", "daytime", "scene", "description", "group", "source",
)  # fmt: skip
DTYPES = {
    **dict.fromkeys(COLUMNS, "str"),
    **dict.fromkeys(("width_px", "height_px"), "int32"),
    **dict.fromkeys(("latitude_deg", "longitude_deg"), "float64"),
    "label": "Int8",
}
_TYPES = {"str": pa.string(), "int32": pa.int32(), "float64": pa.float64(), "Int8": pa.int8()}
_SCHEMA = pa.schema([pa.field(name, _TYPES[DTYPES[name]]) for name in COLUMNS])
_ROOT_KEY = b"roadwork.root"
_FIX = "run the stage ingest again"


@dataclass(frozen=True)
class Manifest:
    """All photographs: `frame` has the COLUMNS with the DTYPES, null being NaN or NA; `path` is relative to `root`.

    `image_id` is the SHA-256 of the file's bytes, width and height are in pixels after EXIF orientation, positions in
    WGS 84 degrees.
    """

    frame: pd.DataFrame
    root: Place

    def __len__(self) -> int:
        return len(self.frame)

    def photograph(self, index: int) -> Place:
        """The file of row `index`."""
        return below(self.root, str(self.frame["path"].iloc[index]))

    @property
    def digest(self) -> str:
        """SHA-256 over the names and values of all columns, row order included; the place of the files is left out."""
        digest = hashlib.sha256()
        for name in COLUMNS:
            column = self.frame[name].astype(object)
            values = column.where(column.notna(), None).tolist()
            digest.update(json.dumps([name, values], default=_plain_number).encode())
        return digest.hexdigest()


def manifest_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """A frame with COLUMNS and DTYPES from rows by column; an absent key is null."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(DTYPES)


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Publish the manifest as Parquet at `path`.

    A relative root is kept relative to the folder of `path`, so that the project's folder may move; an absolute one
    stays absolute unless it is that folder. One in an object store is kept as its URL, which holds no credentials.
    """
    table = pa.Table.from_pandas(manifest.frame[list(COLUMNS)], schema=_SCHEMA, preserve_index=False)
    root = manifest.root
    if isinstance(root, Path) and (not root.is_absolute() or root.resolve() == path.parent.resolve()):
        root = Path(os.path.relpath(root.resolve(), path.parent.resolve()))
    kept = root.as_posix() if isinstance(root, Path) else str(root)
    table = table.replace_schema_metadata({_ROOT_KEY: kept.encode()})
    with published_file(path) as aside:
        pq.write_table(table, aside)


def read_manifest(path: Path) -> Manifest:
    """The manifest at `path`; DataError when it is missing, damaged or not one that `write_manifest` wrote."""
    if not path.is_file():
        raise DataError("there is no manifest", where=str(path), fix="run the stage ingest first")
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"the manifest can't be read: {error}", where=str(path), fix=_FIX) from None
    root = (table.schema.metadata or {}).get(_ROOT_KEY)
    if root is None or not table.schema.equals(_SCHEMA):
        raise DataError(
            "this is no manifest of this version", where=str(path), rule=f"columns: {', '.join(COLUMNS)}", fix=_FIX
        )
    frame = table.to_pandas(types_mapper={pa.int8(): pd.Int8Dtype()}.get).astype(DTYPES)
    twice = frame["image_id"][frame["image_id"].duplicated()]
    if len(twice):
        raise DataError(
            f"image_id {twice.iloc[0]} stands twice", where=str(path), rule="one row per photograph", fix=_FIX
        )
    return Manifest(frame, _root(root.decode(), path.parent))


def _root(text: str, folder: Path) -> Place:
    """The root kept as `text`. ParameterError, CapabilityError: see `place_of`."""
    return reopened(text) if "://" in text else folder / text


def _plain_number(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} in a manifest")
