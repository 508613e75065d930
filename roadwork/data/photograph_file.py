"""The bytes of one photograph, wherever it lies."""

from __future__ import annotations

from pathlib import Path

from roadwork.data.regular_file import read_regular_file, too_large
from roadwork.errors import PhotographError
from roadwork.printable import printable
from roadwork.storage.objects import object_size, read_object
from roadwork.storage.place import Place


def read_photograph(place: Place, *, max_bytes: int | None = None, size_bytes: int | None = None) -> bytes:
    """The content of the file or object at `place`.

    A file is read as `read_regular_file` does. An object's size is asked for first where `max_bytes` is given, unless a
    listing has told it already (`size_bytes`).

    Raises PhotographError, with a rule for the rejects file, where there is none, where it is too large and where a
    file can't be read; StoreError where the object store doesn't answer.
    """
    if isinstance(place, Path):
        return read_regular_file(place, max_bytes=max_bytes)
    try:
        if max_bytes is not None:
            size_bytes = object_size(place) if size_bytes is None else size_bytes
            if size_bytes > max_bytes:
                raise too_large(place, size_bytes, max_bytes)
        return read_object(place)
    except FileNotFoundError:
        raise PhotographError(
            f"{printable(place.name)}: no such file", where=str(place), rule="the file must exist"
        ) from None
