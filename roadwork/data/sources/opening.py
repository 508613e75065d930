"""Which reader a source's name stands for."""

from __future__ import annotations

from pathlib import Path

from roadwork.data.record import Source
from roadwork.data.sources.folder import read_folder
from roadwork.data.sources.natix import read_natix
from roadwork.data.sources.roadwork_coco import read_roadwork_coco
from roadwork.data.sources.sample.source import write_sample
from roadwork.errors import DataError
from roadwork.storage.place import Place, place_of
from roadwork.user_path import user_path

_FIX = "mend the permissions there, or correct ingest.path"
READERS = {"folder": read_folder, "natix": read_natix, "roadwork_coco": read_roadwork_coco}


def open_source(name: str, path: str | None) -> Source:
    """The source `name` (a key of READERS) at `path`.

    `path` is a path or the URL of one in an object store. Raises DataError where it is null, can't be looked at, or its
    reader refuses it; ParameterError where it is neither; CapabilityError, StoreError: see `place_of`, `patiently`.
    """
    if path is None or not path.strip():
        raise DataError(
            f"source `{name}` needs a path",
            where="params.yaml: ingest.path",
            fix="set ingest.path to where the data lie",
        )
    try:
        return READERS[name](_place(path))
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else path
        why = error.strerror or str(error)
        raise DataError(f"the source can't be read: {why}", where=f"ingest.path: {where}", fix=_FIX) from error


def _place(text: str) -> Place:
    return place_of(text, parameter="ingest.path") if "://" in text else user_path(text, "ingest.path")


def open_sample(folder: Path, *, seed: int, images: int, max_width_px: int) -> Source:
    """The drawn sample; its files are written into `folder` while its records are read."""
    return Source(
        folder, images, write_sample(folder, seed=seed, images=images, max_width_px=max_width_px), own_progress=True
    )
