"""Overlays as files: one picture for each predicted photograph."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from roadwork.errors import DataError, ParameterError, PhotographError
from roadwork.evidence.overlay import overlay
from roadwork.predict import MAX_PIXELS, Prediction
from roadwork.progress import progress
from roadwork.publish import published_file
from roadwork.views.decode import decode_rgb

_QUALITY = 90
_LONGEST_BYTES = 150  # of the photograph's own name; file systems allow 255 in all
_DIGITS = 8


@dataclass(frozen=True)
class Overlays:
    """The pictures that were written, by photograph, and an error for each photograph that couldn't be read again."""

    pictures: dict[Path, Path]
    failures: list[PhotographError]


def overlay_path(folder: Path, photograph: Path) -> Path:
    """Where the overlay of `photograph` lies in `folder`: `IMG_0042-9f86d081.jpg`.

    The eight digits are of the photograph's absolute path, so photographs of equal names in different folders, or of
    different kinds in one, never share an overlay, and a second run replaces exactly the pictures of the first.
    """
    digest = hashlib.sha256(os.fsencode(os.path.abspath(photograph))).hexdigest()[:_DIGITS]
    stem = os.fsencode(photograph.stem)[:_LONGEST_BYTES].decode("utf-8", errors="ignore")
    return folder / f"{stem}-{digest}.jpg"


def make_overlay_folder(folder: Path, photographs: Sequence[Path]) -> None:
    """Create `folder`, for the overlays of `photographs` (files, or folders of them), where it doesn't exist.

    Raises ParameterError where it lies in one of those folders, DataError where it can't be made.
    """
    around = next((path for path in photographs if path.is_dir() and _inside(folder, path)), None)
    if around is not None:
        raise ParameterError(
            f"the folder for the overlays lies in {around}, whose photographs are to be predicted",
            where=f"--overlay {folder}",
            rule="a place of its own: the next run would take the overlays for photographs",
            fix="name a folder outside",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"the folder for the overlays can't be made: {error.strerror or error}",
            where=f"--overlay {folder}",
            rule="a folder, or a place where one can be created",
            fix="name another",
        ) from error


def draw_overlays(predictions: Sequence[Prediction], folder: Path, *, max_pixels: int = MAX_PIXELS) -> Overlays:
    """Write one picture per photograph into the existing `folder`: its boxes and their evidence.

    Each photograph is read once more, so that memory holds one at a time. A picture of an earlier run is replaced as a
    whole. Raises DataError where a picture can't be written.
    """
    pictures: dict[Path, Path] = {}
    failures: list[PhotographError] = []
    with progress("drawing", len(predictions), "overlays") as advance:
        for prediction in predictions:
            path = overlay_path(folder, prediction.path)
            try:
                rgb = decode_rgb(prediction.path, max_pixels=max_pixels)
            except PhotographError as error:
                failures.append(error)
            else:
                probability, name = prediction.probability, str(prediction.path)
                _save(path, overlay(rgb, prediction.boxes, prediction.views, probability=probability, name=name))
                pictures[prediction.path] = path
            advance()
    return Overlays(pictures, failures)


def _inside(folder: Path, around: Path) -> bool:
    return folder.resolve().is_relative_to(around.resolve())


def _save(path: Path, picture: Image.Image) -> None:
    try:
        with published_file(path) as aside:
            picture.save(aside, format="JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    except OSError as error:
        raise DataError(
            f"the overlay can't be written: {error.strerror or error}",
            where=str(path),
            rule="its folder can be written to and has room",
            fix="mend that, or name another folder with --overlay",
        ) from error
