"""Which reader a source's name stands for."""

from __future__ import annotations

from pathlib import Path

from roadwork.data.record import Source
from roadwork.data.sources.folder import read_folder
from roadwork.data.sources.natix import read_natix
from roadwork.data.sources.roadwork_coco import read_roadwork_coco
from roadwork.data.sources.sample.source import write_sample
from roadwork.errors import DataError
from roadwork.user_path import user_path

_FIX = "mend the permissions there, or correct ingest.path"
READERS = {"folder": read_folder, "natix": read_natix, "roadwork_coco": read_roadwork_coco}


def open_source(name: str, path: str | None) -> Source:
    """The source `name` (a key of READERS) at `path`.

    Raises DataError where the path is null or no path, can't be looked at, or its reader refuses it.
    """
    if path is None or not path.strip():
        raise DataError(
            f"source `{name}` needs a path",
            where="params.yaml: ingest.path",
            fix="set ingest.path to where the data lie",
        )
    try:
        return READERS[name](user_path(path, "ingest.path"))
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else path
        why = error.strerror or str(error)
        raise DataError(f"the source can't be read: {why}", where=f"ingest.path: {where}", fix=_FIX) from error


def open_sample(folder: Path, *, seed: int, images: int, max_width_px: int) -> Source:
    """The drawn sample; its files are written into `folder` while its records are read."""
    return Source(
        folder, images, write_sample(folder, seed=seed, images=images, max_width_px=max_width_px), own_progress=True
    )
