"""Zarr format 3 as this project uses it: chunks of 256 images, no shards, no compression, NaN fill, one writer.

A store is one group with its arrays in it; any reader of Zarr opens it with `zarr.open(path)`:

    <store>/zarr.json               the group: attributes `fingerprint`, `provenance`, `manifest_digest`, `seal`
    <store>/<array>/zarr.json       shape, dtype, fill value, axes; codecs `bytes` (little endian), then `crc32c`
    <store>/<array>/c/<i>[/0[/0]]   the 256 images from 256 i on: the numbers row by row, then 4 bytes of CRC-32C

Only the first axis is divided, an absent chunk is always a fault, and the last chunk is filled up to 256 images.
Zarr compares a chunk with its CRC-32C on each read. The seal (see `store_seal`) binds together all the metadata and
which chunk lies where, and is checked whenever a store is opened.

Equal input gives equal bytes: nothing here knows the time, the machine or the number of writers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BytesCodec, Crc32cCodec

from roadwork.embed.store_seal import SEAL, UNSEALED, Unsealed, check_seal, write_seal
from roadwork.errors import StoreError
from roadwork.publish import published_folder

CHUNK_IMAGES = 256
ID_BYTES = 32


@contextmanager
def published_group(path: Path, attributes: Mapping[str, Any]) -> Iterator[zarr.Group]:
    """Yield an empty Zarr group with `attributes`; on success it is sealed and replaces `path` with one rename.

    On failure it vanishes, and an earlier store stays.
    """
    json.dumps(attributes, allow_nan=False)  # NaN would make a zarr.json that other readers refuse
    with published_folder(path) as aside:
        yield zarr.create_group(aside, zarr_format=3, attributes={**attributes, SEAL: UNSEALED})
        for leftover in aside.rglob("*.partial"):
            leftover.unlink()
        write_seal(aside)


def write_array(
    group: zarr.Group,
    name: str,
    blocks: Iterable[NDArray[Any]],
    *,
    shape: Sequence[int],
    dtype: str,
    axes: Sequence[str],
) -> None:
    """Write array `name` of `shape` from `blocks [image ...]` of any lengths, every chunk once and whole.

    Raises ValueError when the blocks don't add up to `shape`: that is a caller's bug, not a user's mistake.
    """
    array = group.create_array(
        name,
        shape=tuple(shape),
        chunks=(CHUNK_IMAGES, *shape[1:]),
        dtype=dtype,
        fill_value=float("nan") if np.dtype(dtype).kind == "f" else 0,
        filters=None,
        serializer=BytesCodec(),
        compressors=[Crc32cCodec()],  # Zarr's word for whatever turns a chunk's bytes into other bytes
        dimension_names=list(axes),
        config={"write_empty_chunks": True},  # a chunk that is absent is then always a fault
    )
    start = 0
    for chunk in _rechunked(blocks):
        if chunk.dtype != array.dtype or chunk.shape[1:] != tuple(shape[1:]):
            raise ValueError(f"{name}: got {chunk.dtype} {chunk.shape[1:]}, expected {dtype} {tuple(shape[1:])}")
        if start + len(chunk) > shape[0]:
            raise ValueError(f"{name}: more than the announced {shape[0]} rows")
        array[start : start + len(chunk)] = chunk
        start += len(chunk)
    if start != shape[0]:
        raise ValueError(f"{name}: {start} rows, {shape[0]} were announced")


@contextmanager
def opened_group(path: Path, *, stage: str) -> Iterator[zarr.Group]:
    """Yield the Zarr group at `path`, read-only, its seal checked.

    Every fault of the files, found now or while its arrays are read, becomes a StoreError that names `stage`.
    """
    if not path.is_dir():
        raise StoreError("the feature store does not exist", where=str(path), fix=f"run `roadwork {stage}` first")
    with told_faults(path, stage=stage):
        check_seal(path)
        yield zarr.open_group(path, mode="r", zarr_format=3)


@contextmanager
def told_faults(path: Path, *, stage: str) -> Iterator[None]:
    """Turn every fault of the files of the store `path` into a StoreError that names `stage`."""
    fix = f"run `roadwork {stage}` again"
    try:
        yield
    except Unsealed as broken:
        raise StoreError(
            f"the feature store is damaged: {broken}",
            where=str(path),
            rule="its files are those that were written, each in its place",
            fix=fix,
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:  # what zarr raises for damaged files
        raise StoreError(f"the feature store is damaged: {error}", where=str(path), fix=fix) from error


def read_array(
    group: zarr.Group, name: str, *, path: Path, stage: str, shape: Sequence[int | None], dtype: str
) -> NDArray[Any]:
    """Array `name`, one read into memory. StoreError where `open_array` raises it, or (floats) a row isn't finite."""
    array = open_array(group, name, path=path, stage=stage, shape=shape, dtype=dtype)
    return _finite(np.asarray(array[...]), 0, where=f"{path}: {name}", stage=stage)


def read_chunk(array: zarr.Array, number: int, *, path: Path, stage: str) -> NDArray[Any]:
    """The images of one chunk of `array`, counted from 0; StoreError where (floats) a row isn't finite."""
    start = number * CHUNK_IMAGES
    rows = np.asarray(array[start : start + CHUNK_IMAGES])
    return _finite(rows, start, where=f"{path}: {array.basename}", stage=stage)


def open_array(
    group: zarr.Group, name: str, *, path: Path, stage: str, shape: Sequence[int | None], dtype: str
) -> zarr.Array:
    """Array `name`, nothing of it read. `None` in `shape` takes any length.

    Raises StoreError when it is absent, of another shape or type, or lacks a chunk.
    """
    where, fix = f"{path}: {name}", f"run `roadwork {stage}` again"
    array = group.get(name)
    if not isinstance(array, zarr.Array):
        raise StoreError(f"the store has no array `{name}`", where=where, fix=fix)
    fits = len(array.shape) == len(shape) and all(w in (None, g) for g, w in zip(array.shape, shape, strict=True))
    if not fits or array.dtype != np.dtype(dtype):
        wanted = " × ".join("any" if length is None else str(length) for length in shape)
        raise StoreError(
            f"`{name}` is {array.dtype} {tuple(array.shape)}", where=where, rule=f"{dtype} of shape {wanted}", fix=fix
        )
    if array.nchunks_initialized != array.nchunks:
        missing = array.nchunks - array.nchunks_initialized
        raise StoreError(f"{missing} of {array.nchunks} chunks of `{name}` are missing", where=where, fix=fix)
    return array


def _finite(values: NDArray[Any], start: int, *, where: str, stage: str) -> NDArray[Any]:
    """`values`, the rows of an array from row `start` on, if all of them are finite."""
    if values.dtype.kind != "f" or not values.size:
        return values
    pieces = [values[first : first + CHUNK_IMAGES] for first in range(0, len(values), CHUNK_IMAGES)]
    if not all(np.isfinite(piece).all() for piece in pieces):  # in pieces: no second array of the store's size
        bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
        name = where.rpartition(" ")[2]
        raise StoreError(
            f"{int(bad.sum())} rows of `{name}` hold no numbers, the first is row {start + int(np.argmax(bad))}",
            where=where,
            rule="every value is finite",
            fix=f"run `roadwork {stage}` again",
        )
    return values


def attributes_of(group: zarr.Group) -> dict[str, Any]:
    """The attributes that `published_group` was given."""
    return {name: value for name, value in group.attrs.asdict().items() if name != SEAL}


def pack_ids(image_ids: Sequence[str]) -> NDArray[np.uint8]:
    """Hex sha256 digests as raw bytes `[image 32]`; ValueError for anything else."""
    raw = [bytes.fromhex(image_id) for image_id in image_ids]
    for image_id, packed in zip(image_ids, raw, strict=True):
        if len(packed) != ID_BYTES:
            raise ValueError(f"image id {image_id!r} is no sha256 in hex")
    return np.frombuffer(b"".join(raw), np.uint8).reshape(len(raw), ID_BYTES)


def unpack_ids(raw: NDArray[np.uint8]) -> list[str]:
    """The inverse of `pack_ids`."""
    return [row.tobytes().hex() for row in raw]


def _rechunked(blocks: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """The same rows in pieces of exactly one chunk (the last may be shorter); holds one chunk and one block."""
    held: list[NDArray[Any]] = []
    count = 0
    for block in blocks:
        while len(block):
            taken, block = block[: CHUNK_IMAGES - count], block[CHUNK_IMAGES - count :]
            held.append(taken)
            count += len(taken)
            if count == CHUNK_IMAGES:
                yield np.concatenate(held)
                held, count = [], 0
    if held:
        yield np.concatenate(held)
