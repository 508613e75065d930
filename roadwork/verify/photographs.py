"""The photographs that the manifest names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from stat import S_ISREG

from roadwork.data.manifest import Manifest
from roadwork.progress import progress
from roadwork.storage.objects import listed as objects
from roadwork.storage.objects import read_object
from roadwork.storage.place import Place
from roadwork.train.head_folder import file_sha256
from roadwork.verify.fault import Faults, listed


def check_photographs(manifest: Manifest, faults: Faults, *, rehash: bool) -> str:
    """Note photographs that are missing, empty or, where `rehash`, not the bytes that ingest saw."""
    broken: dict[str, list[str]] = {"missing": [], "empty": [], "unreadable": [], "changed since ingest": []}
    size = 0
    root = manifest.root
    sizes = {} if isinstance(root, Path) else {each.name: each.size_bytes for each in objects(root, deep=True)}
    with progress("hashing" if rehash else "looking for", len(manifest), "photographs") as advance:
        for row, image_id in enumerate(manifest.frame["image_id"]):
            path = manifest.photograph(row)
            try:
                size_bytes = _size(path, sizes, str(manifest.frame["path"].iloc[row]))
                if size_bytes is None:
                    broken["unreadable"].append(str(path))
                elif not size_bytes:
                    broken["empty"].append(str(path))
                elif rehash and _sha256(path) != image_id:
                    broken["changed since ingest"].append(str(path))
                size += size_bytes or 0
            except FileNotFoundError:
                broken["missing"].append(str(path))
            except (OSError, ValueError):  # ValueError: a NUL in the path
                broken["unreadable"].append(str(path))
            advance()
    for how, paths in broken.items():
        if paths:
            faults.add(
                f"{len(paths)} of {len(manifest)} photographs are {how}",
                where=listed(paths),
                rule="a photograph's image_id is the sha256 of its file",
                fix="put the files back (`dvc checkout` for data/images), or run `roadwork ingest` again",
            )
    checked = "every sha256 compared" if rehash else "present; --photographs compares every sha256"
    return f"{len(manifest)} files, {size / 1e6:.0f} MB, {checked}"


def _size(place: Place, sizes: dict[str, int], name: str) -> int | None:
    """Bytes of the file or, by the listing `sizes`, of the object `name`; None for what is no regular file."""
    if isinstance(place, Path):
        status = place.stat()
        return status.st_size if S_ISREG(status.st_mode) else None
    if name not in sizes:
        raise FileNotFoundError(name)
    return sizes[name]


def _sha256(place: Place) -> str:
    return file_sha256(place) if isinstance(place, Path) else hashlib.sha256(read_object(place)).hexdigest()
