"""From what a user names, photographs and folders of them, to the files to read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from roadwork.data.sources.walk import files_below, is_image_name
from roadwork.errors import PhotographError
from roadwork.progress import note

OVERLAY_SUFFIX = ".overlay.jpg"
"""How the names of overlays end; a folder stands for its images without these."""


def photograph_files(photographs: Sequence[Path]) -> tuple[list[Path], list[PhotographError]]:
    """The files to read, each once, and an error for each argument that leads to none."""
    files: dict[Path, Path] = {}
    failures: list[PhotographError] = []
    overlays = 0
    for path in dict.fromkeys(photographs):
        if path.is_dir():
            try:
                images = [file for file in files_below(path) if is_image_name(file.name)]
            except OSError as error:
                what = f"the folder can't be read: {error.strerror or error}"
                failures.append(PhotographError(what, where=str(error.filename or path), fix="mend its permissions"))
                continue
            own = [file for file in images if not file.name.endswith(OVERLAY_SUFFIX)]
            overlays += len(images) - len(own)
            if not own:
                failures.append(PhotographError("no photograph in this folder", where=str(path), fix="name another"))
            for file in own:
                files.setdefault(_place(file), file)
        elif os.path.lexists(path):  # a pipe too, or a link to nothing: whoever reads it says so
            files.setdefault(_place(path), path)
        else:
            failures.append(PhotographError("there is no such photograph", where=str(path), fix="check the path"))
    if overlays:
        note(f"{overlays} of the images in these folders are overlays (*{OVERLAY_SUFFIX}): left out")
    return list(files.values()), failures


def _place(file: Path) -> Path:
    """One and the same however the way to `file` is written; two links to one photograph remain two."""
    return Path(os.path.realpath(file.parent), file.name)
