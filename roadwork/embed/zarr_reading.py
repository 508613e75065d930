"""Reading the Zarr stores that `zarr_folder` writes, chunk by chunk, from a folder or from an object store."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import Store
from zarr.storage import FsspecStore, LocalStore

from roadwork.embed.store_place import FoundStore, checked_seal, exists, find_store, missing, told_faults
from roadwork.embed.store_seal import SEAL
from roadwork.embed.zarr_folder import CHUNK_IMAGES
from roadwork.errors import StoreError
from roadwork.storage.objects import at_once
from roadwork.storage.patience import patiently
from roadwork.storage.place import Place

_PART_BYTES = 16 * 2**20
"""What is asked of an object store in one read, as far as it isn't a single chunk that is larger."""

R = TypeVar("R")


@dataclass(frozen=True)
class OpenedStore:
    """A store whose seal was checked."""

    found: FoundStore
    seal: str
    group: zarr.Group
    stage: str  # that writes it

    @property
    def attributes(self) -> dict[str, Any]:
        """What the store says of itself."""
        return {name: value for name, value in self.group.attrs.asdict().items() if name != SEAL}


@contextmanager
def opened_store(path: Place, *, stage: str) -> Iterator[OpenedStore]:
    """Yield the store at `path`, or where a note there leads to, read-only.

    Every fault of the files, found now or while its arrays are read, becomes a StoreError that names `stage`.
    """
    if not exists(path):
        raise missing(path, stage=stage)
    with told_faults(path, stage=stage):
        found = find_store(path)
        seal = checked_seal(found)
        store = _zarr_store(found.place)
        group = asked(lambda: zarr.open_group(store, mode="r", zarr_format=3), found.place)
        yield OpenedStore(found, seal, group, stage)


def is_sound(place: Place) -> bool:
    """Whether a whole store lies at `place`: every chunk is read, many at a time, and compared with its checksum."""
    try:
        with opened_store(place, stage="") as opened:
            for _, array in asked(lambda: list(opened.group.arrays()), place):
                at_once(partial(_read_and_forget, array, place), _parts(array))
    except StoreError:
        return False
    return True


def _read_and_forget(array: zarr.Array, place: Place, rows: slice) -> None:
    read_rows(array, rows, place)


def asked(operation: Callable[[], R], place: Place) -> R:
    """`operation()`, made with patience where `place` is an object store's."""
    return operation() if isinstance(place, Path) else patiently(operation, place)


def read_array(opened: OpenedStore, name: str, *, shape: Sequence[int | None], dtype: str) -> NDArray[Any]:
    """Array `name`, one read into memory. StoreError where `open_array` raises it, or (floats) a row isn't finite."""
    array = open_array(opened, name, shape=shape, dtype=dtype)
    if isinstance(opened.found.place, Path):
        values = np.asarray(array[...])
    else:
        values = np.empty(array.shape, array.dtype)
        at_once(lambda rows: np.copyto(values[rows], read_rows(array, rows, opened.found.place)), _parts(array))
    return require_finite(values, 0, where=f"{opened.found}: {name}", stage=opened.stage)


def read_rows(array: zarr.Array, rows: slice, place: Place) -> NDArray[Any]:
    """These rows of `array`, which lies at `place`; of a shard only the chunks that hold them are read."""
    return asked(lambda: np.asarray(array[rows]), place)


def open_array(opened: OpenedStore, name: str, *, shape: Sequence[int | None], dtype: str) -> zarr.Array:
    """Array `name`, nothing of it read. `None` in `shape` takes any length.

    Raises StoreError when it is absent, of another shape or type, or lacks a chunk.
    """
    where, fix = f"{opened.found}: {name}", f"run `roadwork {opened.stage}` again"
    array = asked(lambda: opened.group.get(name), opened.found.place)
    if not isinstance(array, zarr.Array):
        raise StoreError(f"the store has no array `{name}`", where=where, fix=fix)
    fits = len(array.shape) == len(shape) and all(w in (None, g) for g, w in zip(array.shape, shape, strict=True))
    if not fits or array.dtype != np.dtype(dtype):
        wanted = " × ".join("any" if length is None else str(length) for length in shape)
        raise StoreError(
            f"`{name}` is {array.dtype} {tuple(array.shape)}", where=where, rule=f"{dtype} of shape {wanted}", fix=fix
        )
    file_shape = array.shards or array.chunks
    files = math.prod(-(-whole // part) for whole, part in zip(array.shape, file_shape, strict=True))
    # Zarr counts the chunks that the files there have room for: in a last shard that may be more than there are.
    in_file = math.prod(file_shape) // math.prod(array.chunks)
    there = asked(lambda: array.nchunks_initialized, opened.found.place) // in_file
    if there != files:
        raise StoreError(f"{files - there} of {files} files of `{name}` are missing", where=where, fix=fix)
    return array


def require_finite(values: NDArray[Any], start: int, *, where: str, stage: str) -> NDArray[Any]:
    """`values`, the rows of an array from row `start` on, if all of them are finite."""
    if values.dtype.kind != "f" or not values.size:
        return values
    pieces = [values[first : first + CHUNK_IMAGES] for first in range(0, len(values), CHUNK_IMAGES)]
    if not all(np.isfinite(piece).all() for piece in pieces):  # in pieces: no second array of the store's size
        bad = np.concatenate([~np.isfinite(piece).reshape(len(piece), -1).all(axis=1) for piece in pieces])
        name = where.rpartition(" ")[2]
        raise StoreError(
            f"{int(bad.sum())} rows of `{name}` hold no numbers, the first is row {start + int(np.argmax(bad))}",
            where=where,
            rule="every value is finite",
            fix=f"run `roadwork {stage}` again",
        )
    return values


def _zarr_store(place: Place) -> Store:
    if isinstance(place, Path):
        return LocalStore(place, read_only=True)
    return FsspecStore.from_url(str(place), storage_options=dict(place.storage_options), read_only=True)


def _parts(array: zarr.Array) -> list[slice]:
    """All rows of `array`, file by file where files are small, else chunk by chunk."""
    images, of_file = array.shape[0], (array.shards or array.chunks)[0]
    row_bytes = array.nbytes // images if images else 0
    step = of_file if of_file * row_bytes <= _PART_BYTES else CHUNK_IMAGES
    return [slice(start, min(start + step, images)) for start in range(0, images, step)]
