"""Zarr format 3 as this project writes it: chunks of 256 images, no compression, NaN fill, each file by one writer.

A store is one group with its arrays in it; any reader of Zarr opens it with `zarr.open(path)`:

    <store>/zarr.json               the group: attributes `fingerprint`, `provenance`, `manifest_digest`, `seal`
    <store>/<array>/zarr.json       shape, dtype, fill value, axes; codecs `bytes` (little endian), then `crc32c`
    <store>/<array>/c/<i>[/0[/0]]   the 256 images from 256 i on: the numbers row by row, then 4 bytes of CRC-32C

Only the first axis is divided, an absent chunk is always a fault, and the last chunk is filled up to 256 images. With
more than 65,536 images 16 chunks lie in one file, Zarr's shard, behind each other in their order:

    <store>/<array>/c/<i>[/0[/0]]   the chunks of the 4,096 images from 4,096 i on, each with its CRC-32C; then for each
                                    of the 16 where it begins and how long it is, and the CRC-32C of that

Chunks are still what is read; a shard is what is written. 10 million images of 12 × 1280 numbers are 2,442 files of
126 MB then, where object stores and file systems would suffer from 39,063 files.

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
from zarr.core.buffer.cpu import Buffer
from zarr.storage import LocalStore, MemoryStore

from roadwork.embed.store_files import file_sizes, read_file, write_file
from roadwork.embed.store_seal import METADATA, SEAL, UNSEALED, write_seal
from roadwork.publish import published_folder
from roadwork.storage.place import Place

CHUNK_IMAGES = 256
SHARD_CHUNKS = 16
SHARDED_ABOVE = 65_536
"""Images; of more than these an array is stored in shards."""

ID_BYTES = 32


@contextmanager
def published_group(place: Place, attributes: Mapping[str, Any]) -> Iterator[Place]:
    """Yield where to write an empty Zarr group with `attributes`; on success it is sealed, and is at `place`.

    A folder replaces `place` with one rename; on failure it vanishes, and an earlier store stays. An object store knows
    no renames: there files are written where they stay, and until the seal, which comes last, nobody takes them for
    a store. What is left of a killed attempt is written over: equal rows, equal bytes.
    """
    json.dumps(attributes, allow_nan=False)  # NaN would make a zarr.json that other readers refuse
    if not isinstance(place, Path):
        write_file(place, METADATA, _group_metadata(attributes))
        yield place
        write_seal(place)
        return
    with published_folder(place) as aside:
        write_file(aside, METADATA, _group_metadata(attributes))
        yield aside.absolute()
        for leftover in aside.rglob("*.partial"):
            leftover.unlink()
        write_seal(aside)


def create_array(store: Place, name: str, *, shape: Sequence[int], dtype: str, axes: Sequence[str]) -> None:
    """Begin array `name` of the store in the making `store`: its metadata, no rows."""
    made: dict[str, Any] = {}
    zarr.create_group(MemoryStore(made), zarr_format=3).create_array(
        name,
        shape=tuple(shape),
        chunks=(CHUNK_IMAGES, *shape[1:]),
        shards=(piece_images(shape[0]), *shape[1:]) if shape[0] > SHARDED_ABOVE else None,
        dtype=dtype,
        fill_value=float("nan") if np.dtype(dtype).kind == "f" else 0,
        filters=None,
        serializer=BytesCodec(),
        compressors=[Crc32cCodec()],  # Zarr's word for whatever turns a chunk's bytes into other bytes
        dimension_names=list(axes),
    )
    write_file(store, f"{name}/{METADATA}", made[f"{name}/{METADATA}"].to_bytes())


def piece_images(images: int) -> int:
    """How many images of a store of `images` have one writer: those of a chunk, or of a shard."""
    return CHUNK_IMAGES * (SHARD_CHUNKS if images > SHARDED_ABOVE else 1)


def write_rows(store: Place, name: str, start: int, rows: NDArray[Any]) -> None:
    """Write the piece of array `name` that begins with row `start`, whole.

    Raises ValueError where `rows [image ...]` aren't one piece of that array: that is a caller's bug.
    """
    metadata = read_file(store, f"{name}/{METADATA}")
    local = LocalStore(store) if isinstance(store, Path) else None
    made: dict[str, Any] = {} if local else {METADATA: Buffer.from_bytes(metadata)}
    array = zarr.open_array(local or MemoryStore(made), path=name if local else "", mode="r+")
    # Rows of fill values are written too: a chunk that is absent is then always a fault.
    array = array.with_config({"write_empty_chunks": True})
    _require_piece(array, name, start, rows)
    array[start : start + len(rows)] = rows
    for file, content in made.items():
        if file != METADATA:
            write_file(store, f"{name}/{file}", content.to_bytes())


def write_array(
    store: Place,
    name: str,
    blocks: Iterable[NDArray[Any]],
    *,
    shape: Sequence[int],
    dtype: str,
    axes: Sequence[str],
) -> None:
    """Write array `name` of `shape` from `blocks [image ...]` of any lengths, every piece once and whole.

    Raises ValueError when the blocks don't add up to `shape`: that is a caller's bug, not a user's mistake.
    """
    create_array(store, name, shape=shape, dtype=dtype, axes=axes)
    write_blocks(store, name, blocks, images=shape[0])


def write_blocks(store: Place, name: str, blocks: Iterable[NDArray[Any]], *, images: int) -> None:
    """Write all `images` rows of array `name`, which was begun; ValueError as of `write_array`."""
    start = 0
    for piece in _in_pieces(blocks, piece_images(images)):
        if start + len(piece) > images:
            raise ValueError(f"{name}: more than the announced {images} rows")
        write_rows(store, name, start, piece)
        start += len(piece)
    if start != images:
        raise ValueError(f"{name}: {start} rows, {images} were announced")


def require_whole(store: Place, name: str, images: int) -> None:
    """Raise ValueError where a piece of array `name` wasn't written."""
    files = sum(file.startswith(f"{name}/c/") for file in file_sizes(store))
    pieces = -(-images // piece_images(images))
    if files != pieces:
        raise ValueError(f"{name}: {files} of {pieces} pieces were written")


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


def _group_metadata(attributes: Mapping[str, Any]) -> bytes:
    made: dict[str, Any] = {}
    zarr.create_group(MemoryStore(made), zarr_format=3, attributes={**attributes, SEAL: UNSEALED})
    return made[METADATA].to_bytes()


def _require_piece(array: zarr.Array, name: str, start: int, rows: NDArray[Any]) -> None:
    if rows.dtype != array.dtype or rows.shape[1:] != array.shape[1:]:
        raise ValueError(f"{name}: got {rows.dtype} {rows.shape[1:]}, expected {array.dtype} {array.shape[1:]}")
    images, piece = array.shape[0], (array.shards or array.chunks)[0]
    if start % piece or not 0 <= start < images or len(rows) != min(piece, images - start):
        raise ValueError(f"{name}: {len(rows)} rows from row {start} on, expected are pieces of {piece} of {images}")


def _in_pieces(blocks: Iterable[NDArray[Any]], images: int) -> Iterator[NDArray[Any]]:
    """The same rows in pieces of exactly `images` (the last may be shorter); holds one piece and one block."""
    held: list[NDArray[Any]] = []
    count = 0
    for block in blocks:
        while len(block):
            taken, block = block[: images - count], block[images - count :]
            held.append(taken)
            count += len(taken)
            if count == images:
                yield np.concatenate(held)
                held, count = [], 0
    if held:
        yield np.concatenate(held)
