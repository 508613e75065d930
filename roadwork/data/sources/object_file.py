"""Tables and JSON files wherever they lie, opened for reading."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from roadwork.storage.objects import object_size, read_object
from roadwork.storage.place import Place

if TYPE_CHECKING:
    from upath import UPath

_AHEAD_BYTES = 4_000_000


def open_binary(place: Place) -> BinaryIO:
    """The file or object at `place`; of an object, parts are fetched as they are read. FileNotFoundError for none."""
    if isinstance(place, Path):
        return place.open("rb")
    return io.BufferedReader(_ObjectFile(place), _AHEAD_BYTES)


def read_whole(place: Place) -> bytes:
    """The content of the file or object."""
    return place.read_bytes() if isinstance(place, Path) else read_object(place)


def parquet_input(place: Place) -> Path | BinaryIO:
    """What pyarrow's ParquetFile is opened with."""
    return place if isinstance(place, Path) else open_binary(place)


class _ObjectFile(io.RawIOBase):
    """An object as a file: each read is a request, made with patience."""

    def __init__(self, place: UPath) -> None:
        self._place, self._size, self._position = place, object_size(place), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        content = read_object(self._place, self._position, end)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
