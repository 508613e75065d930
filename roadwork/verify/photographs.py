"""The photographs that the manifest names."""

from __future__ import annotations

from stat import S_ISREG

from roadwork.data.manifest import Manifest
from roadwork.progress import progress
from roadwork.train.head_folder import file_sha256
from roadwork.verify.fault import Faults, listed


def check_photographs(manifest: Manifest, faults: Faults, *, rehash: bool) -> str:
    """Note photographs that are missing, empty or, where `rehash`, not the bytes that ingest saw."""
    broken: dict[str, list[str]] = {"missing": [], "empty": [], "unreadable": [], "changed since ingest": []}
    size = 0
    with progress("hashing" if rehash else "looking for", len(manifest), "photographs") as advance:
        for row, image_id in enumerate(manifest.frame["image_id"]):
            path = manifest.photograph(row)
            try:
                status = path.stat()
                if not S_ISREG(status.st_mode):
                    broken["unreadable"].append(str(path))
                elif not status.st_size:
                    broken["empty"].append(str(path))
                elif rehash and file_sha256(path) != image_id:
                    broken["changed since ingest"].append(str(path))
                size += status.st_size
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
