"""What embedding couldn't do, in the form in which ingest can be told to leave it out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from roadwork.data.rejects import Reject, write_rejects
from roadwork.errors import PhotographError


def write_embed_rejects(failures: Mapping[str, PhotographError], path: Path) -> None:
    """Publish at `path` a row for each of `failures`, by image id; none of them takes the file away.

    A row names the photograph by its image id, the only name that is its own: copied to `data/left_out.csv`, it keeps
    these bytes out of the manifest wherever they lie. The order is that of image ids.
    """
    if not failures:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rejects([_reject(image_id, failures[image_id]) for image_id in sorted(failures)], path)


def _reject(image_id: str, error: PhotographError) -> Reject:
    return Reject(error.where, "image_id", image_id, error.what)
