"""Overlays as files: one picture for each predicted photograph."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from roadwork.errors import DataError, ParameterError, StoreError
from roadwork.evidence.overlay import overlay
from roadwork.photograph_files import OVERLAY_SUFFIX
from roadwork.predict import MAX_PIXELS, Prediction
from roadwork.publish import published_file
from roadwork.views.decode import decode_rgb

_QUALITY = 90
_LONGEST_BYTES = 150  # of the photograph's own name; file systems allow 255 in all
_DIGITS = 8


def overlay_path(folder: Path, photograph: Path) -> Path:
    """Where the overlay of `photograph` lies in `folder`: `IMG_0042-9f86d081.overlay.jpg`.

    The eight hexadecimal characters are of a digest of the photograph's absolute path, so photographs of equal names in
    different folders, or of different kinds in one, have overlays of their own, and a second run replaces exactly the
    pictures of the first.
    """
    digest = hashlib.sha256(os.fsencode(os.path.abspath(photograph))).hexdigest()[:_DIGITS]
    stem = os.fsencode(photograph.stem)[:_LONGEST_BYTES].decode("utf-8", errors="ignore")
    return folder / f"{stem}-{digest}{OVERLAY_SUFFIX}"


def check_overlay_folder(folder: Path, photographs: Sequence[Path]) -> None:
    """Whether overlays of `photographs` (files, or folders of them) may be written to `folder`; nothing is created.

    Raises ParameterError where it lies in one of those folders, DataError where it can be no folder.
    """
    around = next((path for path in photographs if path.is_dir() and _inside(folder, path)), None)
    if around is not None:
        raise ParameterError(
            f"the folder for the overlays lies in {around}, whose photographs are to be predicted",
            where=f"--overlay {folder}",
            rule="a place of its own: among photographs, overlays end up in somebody's data",
            fix="name a folder outside",
        )
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        raise _no_folder(folder, f"{there} is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _no_folder(folder, f"{there} can't be written to")


def draw_overlay(prediction: Prediction, folder: Path, *, max_pixels: int = MAX_PIXELS) -> Path:
    """Write the picture of one photograph, its boxes and their evidence, into `folder`; where it lies now.

    The folder is created for its first picture; a picture of an earlier run is replaced as a whole. The photograph is
    read once more, so that memory holds no photograph that waits for its turn. Raises PhotographError where it can't be
    read again, DataError where the picture can't be written.
    """
    rgb = decode_rgb(prediction.path, max_pixels=max_pixels)
    probability, name = prediction.probability, str(prediction.path)
    picture = overlay(rgb, prediction.boxes, prediction.views, probability=probability, name=name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_folder(folder, error.strerror or str(error)) from error
    path = overlay_path(folder, prediction.path)
    _save(path, picture)
    return path


def _no_folder(folder: Path, reason: str) -> DataError:
    return DataError(
        f"the folder for the overlays can't be made: {reason}",
        where=f"--overlay {folder}",
        rule="a folder, or a place where one can be created",
        fix="name another",
    )


def _inside(folder: Path, around: Path) -> bool:
    return folder.resolve().is_relative_to(around.resolve())


def _save(path: Path, picture: Image.Image) -> None:
    try:
        with published_file(path) as aside:
            picture.save(aside, format="JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    except (OSError, StoreError) as error:
        reason = error.what if isinstance(error, StoreError) else error.strerror or error
        raise DataError(
            f"the overlay can't be written: {reason}",
            where=str(path),
            rule="its folder can be written to and has room",
            fix="mend that, or name another folder with --overlay",
        ) from error
