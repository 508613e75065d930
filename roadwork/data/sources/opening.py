"""Which reader a source's name stands for."""

from __future__ import annotations

from pathlib import Path

from roadwork.data.record import Source
from roadwork.data.sources.folder import read_folder
from roadwork.data.sources.natix import read_natix
from roadwork.data.sources.roadwork_coco import read_roadwork_coco
from roadwork.data.sources.sample.source import write_sample
from roadwork.errors import DataError

READERS = {"folder": read_folder, "natix": read_natix, "roadwork_coco": read_roadwork_coco}


def open_source(name: str, path: str | None) -> Source:
    """The source `name` (a key of READERS) at `path`; DataError where the path is null or its reader refuses it."""
    if path is None or not path.strip():
        raise DataError(
            f"source `{name}` needs a path",
            where="params.yaml: ingest.path",
            fix="set ingest.path to where the data lie",
        )
    return READERS[name](Path(path).expanduser())


def open_sample(folder: Path, *, seed: int, images: int, max_width_px: int) -> Source:
    """The drawn sample; its files are written into `folder` while its records are read."""
    return Source(
        folder, images, write_sample(folder, seed=seed, images=images, max_width_px=max_width_px), own_progress=True
    )
