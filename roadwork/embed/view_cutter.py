"""From a photograph's file to its views."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from roadwork.data.photograph_file import read_photograph
from roadwork.embed.photograph import Photograph
from roadwork.embed.stream import Views
from roadwork.errors import PhotographError
from roadwork.views.decoder import Decoder

FIX = "run `roadwork ingest` again: it takes the file as it is now, or rejects it"


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
