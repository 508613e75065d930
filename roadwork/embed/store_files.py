"""The files of a feature store, by their names in it, in a folder of this machine or in an object store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from roadwork.storage.objects import at_once, listed, read_object, write_object
from roadwork.storage.place import Place


class Part(NamedTuple):
    """The bytes of a file from `start` to `end`."""

    name: str
    start: int
    end: int


def file_sizes(store: Place) -> dict[str, int]:
    """By name, such as `embeddings/c/0/0/0`, the bytes of every file of the folder `store`; none where it isn't."""
    if isinstance(store, Path):
        files = (Path(folder, name) for folder, _, names in os.walk(store) for name in names)
        return {file.relative_to(store).as_posix(): file.stat().st_size for file in files}
    return {entry.name: entry.size_bytes for entry in listed(store, deep=True)}


def read_file(store: Place, name: str) -> bytes:
    """A file's content; FileNotFoundError where there is none of this name."""
    return (store / name).read_bytes() if isinstance(store, Path) else read_object(store / name)


def read_parts(store: Place, parts: Sequence[Part]) -> list[bytes]:
    """The content of every part, in order; of an object store many are asked for at a time."""
    if isinstance(store, Path):
        return _read_local(store, parts)
    return at_once(lambda part: read_object(store / part.name, part.start, part.end) if part.end else b"", parts)


def write_file(store: Place, name: str, content: bytes) -> None:
    """Put a file of the store in the making `store`."""
    if isinstance(store, Path):
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_bytes(content)
    else:
        write_object(store / name, content)


def _read_local(store: Path, parts: Sequence[Part]) -> list[bytes]:
    """A file is opened once for those of its parts that follow each other."""
    found, opened, file = [], "", None
    try:
        for part in parts:
            if file is None or part.name != opened:
                if file is not None:
                    file.close()
                file, opened = (store / part.name).open("rb"), part.name
            file.seek(part.start)
            found.append(file.read(part.end - part.start))
    finally:
        if file is not None:
            file.close()
    return found
