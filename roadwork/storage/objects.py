"""What is asked of an object store: whole objects, parts of them, listings. Each request is made with patience.

An object appears whole or not at all, and replaces an earlier one in the same way: so a write is a publication.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from roadwork.errors import StoreError
from roadwork.storage.patience import patiently

if TYPE_CHECKING:
    from collections.abc import Callable

    from upath import UPath

T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE = 32
"""Requests under way at a time: a single one leaves the line idle for most of its time."""


@dataclass(frozen=True)
class Entry:
    """An object in a listing."""

    name: str  # below the folder that was listed
    size_bytes: int
    version: str  # changes with the content
    modified: datetime | None  # by the store's clock


def read_object(place: UPath, start: int | None = None, end: int | None = None) -> bytes:
    """The object's bytes from `start` to `end`; a negative `start` counts from its end.

    Raises FileNotFoundError where there is none, StoreError as `patiently` does.
    """
    if start is not None and start < 0:  # not every store knows the bytes before the end
        size = object_size(place)
        start, end = max(0, size + start), size
    return bytes(patiently(lambda: place.fs.cat_file(place.path, start=start, end=end), place))  # pyright: ignore[reportArgumentType]


def write_object(place: UPath, content: bytes) -> None:
    """Put `content` under the name `place`, whole, whatever was there. StoreError where there is no such bucket."""
    try:
        patiently(lambda: place.fs.pipe_file(place.path, content), place)
    except FileNotFoundError as error:
        raise StoreError(
            f"there is no bucket {place.path.partition('/')[0]}",
            where=str(place),
            rule="buckets are made by people: who makes one decides who may read it and what it costs",
            fix="create it, or correct the URL",
        ) from error


def delete_object(place: UPath, *, limit_s: float | None = None) -> None:
    """Have no object of this name; see `patiently` for `limit_s`."""
    with suppress(FileNotFoundError):
        patiently(lambda: place.fs.rm_file(place.path), place, limit_s=limit_s)


def object_size(place: UPath) -> int:
    """Its length in bytes; FileNotFoundError where there is no object of this name."""
    info = patiently(lambda: place.fs.info(place.path, refresh=True), place)
    if info["type"] != "file":
        raise FileNotFoundError(str(place))
    return int(info["size"])


def object_exists(place: UPath) -> bool:
    """Whether there is an object of this name."""
    try:
        object_size(place)
    except FileNotFoundError:
        return False
    return True


def listed(folder: UPath, *, deep: bool = False) -> list[Entry]:
    """The objects directly in `folder` (`deep`: also those in folders below), by name; none where it doesn't exist."""
    try:
        found = patiently(lambda: _found(folder, deep), folder)
    except FileNotFoundError:
        return []
    start = len(folder.path.rstrip("/")) + 1
    return sorted((_entry(path[start:], info) for path, info in found.items()), key=lambda entry: entry.name)


def folders(folder: UPath) -> list[str]:
    """The names of the folders directly in `folder`; none where it doesn't exist."""
    try:
        found = patiently(lambda: folder.fs.ls(folder.path, detail=True, refresh=True), folder)
    except FileNotFoundError:
        return []
    return sorted(info["name"].rstrip("/").rpartition("/")[2] for info in found if info["type"] == "directory")


def at_once(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """`function` of every item, in order, many requests under way at a time; the first exception is raised."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="objects") as threads:
        return list(threads.map(function, items))


def _found(folder: UPath, deep: bool) -> dict[str, dict[str, Any]]:
    """What `folder` holds by its path. Not `find` with a depth: its walk takes what the store refuses for nothing."""
    if deep:
        found: Any = folder.fs.find(folder.path, detail=True, refresh=True)
        return found
    below = f"{folder.path.rstrip('/')}/"
    told = folder.fs.ls(folder.path, detail=True, refresh=True)
    return {info["name"]: info for info in told if info["type"] == "file" and info["name"].startswith(below)}


def _entry(name: str, info: dict[str, Any]) -> Entry:
    version = next((str(info[key]) for key in ("ETag", "etag", "generation", "created") if info.get(key)), "")
    modified = next((info[key] for key in ("LastModified", "last_modified", "mtime", "created") if info.get(key)), None)
    return Entry(name, int(info.get("size") or 0), version, _moment(modified))


def _moment(told: object) -> datetime | None:
    if isinstance(told, str):
        return datetime.fromisoformat(told)
    if isinstance(told, int | float):
        return datetime.fromtimestamp(told, UTC)
    return told if isinstance(told, datetime) else None
