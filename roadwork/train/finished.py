"""The result of a finished training, sealed, which waits in its work area until its stage publishes it.

Folds are fine-tuned together by whichever stage comes first; the other stages find theirs here. No torch.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roadwork.errors import StoreError
from roadwork.progress import note
from roadwork.publish import published_folder, write_json
from roadwork.sealed_json import parse_sealed, read_bytes, seal
from roadwork.train.work_area import remove, unwritable

FINISHED = "finished"
"""The result's folder in the work area."""

HEAD, CURVES = "head", "curves"
"""Folders in it: what the stage publishes as the member, and as its curves."""

METRICS, TIMING = "metrics.json", "timing.json"

_SEAL = "seal.json"


@contextmanager
def finished_folder(area: Path) -> Iterator[Path]:
    """Yield a new folder for the result; on success it is sealed and the states of the training are removed.

    Raises StoreError where the disk refuses.
    """
    with published_folder(area / FINISHED) as folder:
        yield folder
        write_json(folder / _SEAL, seal({"files": _digests(folder)}))
    try:
        for entry in area.iterdir():
            if entry.name != FINISHED:
                remove(entry)
    except OSError as error:
        raise unwritable(area, error) from error


def finished(area: Path) -> Path | None:
    """The folder of the result in `area`, whole as it was sealed; None where there is none.

    A damaged one is removed, and the training repeated: nothing is lost but time.
    """
    folder = area / FINISHED
    if not folder.is_dir():
        return None
    try:
        if parse_sealed(read_bytes(folder / _SEAL))["files"] == _digests(folder):
            return folder
    except (OSError, ValueError, KeyError):
        pass
    note(f"A finished training in the cache is damaged, and is removed: it's trained again ({folder}).")
    try:
        remove(folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    return None


def copy_files(source: Path, draft: Path) -> None:
    """Copy what lies in the folder `source` into the draft `draft`."""
    try:
        shutil.copytree(source, draft, dirs_exist_ok=True, copy_function=shutil.copyfile)
    except shutil.Error as error:
        raise StoreError(f"a finished training can't be copied: {error}", where=str(source)) from error


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 (hex) of every file but the seal, by its path in `folder`."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file != folder / _SEAL:
            with file.open("rb") as stream:
                found[file.relative_to(folder).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found
