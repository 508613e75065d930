"""From a row of the manifest to the views of its photograph."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pandas as pd

from roadwork.data.manifest import Manifest
from roadwork.data.photograph_file import read_photograph
from roadwork.embed.stream import Photograph, Views
from roadwork.errors import PhotographError, StoreError
from roadwork.views.decoder import Decoder
from roadwork.views.geometry import ViewsConfig
from roadwork.views.table import boxes_of, view_table

FIX = "run `roadwork ingest` again: it takes the file as it is now, or rejects it"


def photographs_of(manifest: Manifest, table: pd.DataFrame, views: ViewsConfig) -> list[Photograph]:
    """The manifest's rows with the boxes of their views from the view table, in the manifest's order.

    Raises StoreError when `table` isn't what `views` gives for this manifest: its boxes would be embedded under the
    fingerprint of others.
    """
    frame = manifest.frame
    if not table.reset_index(drop=True).equals(view_table(frame, views)):
        raise StoreError(
            "the view table belongs to another manifest or other view parameters",
            rule="its rows are those that `views` gives for the images of the manifest",
            fix="run `roadwork tile` again",
        )
    boxes = boxes_of(table)
    pixels = frame["width_px"].to_numpy(np.int64) * frame["height_px"].to_numpy(np.int64)
    return [
        Photograph(str(image_id), manifest.photograph(row), boxes[row], int(pixels[row]))
        for row, image_id in enumerate(frame["image_id"])
    ]


def view_cutter(decoder: Decoder, size_px: int) -> Callable[[Photograph], Views]:
    """A function that reads, verifies, decodes and cuts one photograph: uint8 views `[view size size 3]`.

    It raises PhotographError when the file is gone, can't be decoded, takes more memory than there is, or is no longer
    the file that ingest saw: its sha256 is the key under which the embedding is kept, so a changed file must never
    pass. StoreError where it lies in an object store that doesn't answer.
    """

    def cut(photo: Photograph) -> Views:
        return cut_content(read_verified(photo), photo, decoder, size_px)

    return cut


def read_verified(photo: Photograph) -> bytes:
    """The file's content, if it is still the one that ingest saw; raises as the function of `view_cutter` does."""
    try:
        content = read_photograph(photo.path)
    except PhotographError as error:
        raise _of(photo, error) from error
    if hashlib.sha256(content).hexdigest() != photo.image_id:
        raise PhotographError(
            "the photograph has changed since it was ingested",
            where=str(photo.path),
            rule=f"its sha256 is {photo.image_id}",
            fix=FIX,
        )
    return content


def cut_content(content: bytes, photo: Photograph, decoder: Decoder, size_px: int) -> Views:
    """The views of the file `content`; raises as the function of `view_cutter` does."""
    try:
        pixels = decoder.decode(content, max_pixels=photo.pixels)
        return decoder.cut(pixels, photo.boxes, size_px)
    except PhotographError as error:
        raise _of(photo, error) from error
    except MemoryError as error:
        raise PhotographError(
            "there is not enough memory to cut the photograph's views",
            where=str(photo.path),
            fix="free memory or set embed.decode_workers lower; else leave the photograph out",
        ) from error


def _of(photo: Photograph, error: PhotographError) -> PhotographError:
    return PhotographError(error.what, where=str(photo.path), rule=error.rule, fix=FIX)
