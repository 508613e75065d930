"""The seal of a feature store: one digest that holds its metadata and its chunks together.

A checksum inside each chunk can't tell that two chunks have changed places, that one is left over from another store,
or that the metadata says something else about them. The seal is the sha256 (hex) over every file of the store, by name:
metadata with all its bytes; a chunk with its size and its CRC-32C (its last four bytes), which Zarr itself compares
with the chunk's content; a shard with its size, its index and the CRC-32C of each of its chunks. So checking a seal
reads a few bytes per chunk, however large the store is.

It lies in the attribute `seal` of the group; for the digest 64 zeros stand in its place. They do so, too, while a store
in an object store is being written.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping

from roadwork.embed.store_files import Part, file_sizes, read_file, read_parts, write_file
from roadwork.storage.place import Place

METADATA = "zarr.json"
SEAL = "seal"
UNSEALED = "0" * 64

_ATTRIBUTE = re.compile(rb'("seal": ")([0-9a-f]{64})(")')
_CRC_BYTES = 4
_INDEX_ENTRY_BYTES = 16  # of each chunk of a shard, where it begins and how long it is, both uint64
_NO_CHUNK = 2**64 - 1


class Unsealed(Exception):  # noqa: N818  the caller words it for its user
    """A store whose files are not those that were sealed; the text tells why."""


def write_seal(store: Place) -> None:
    """Replace the zeros in the attribute `seal` of the finished `store`, which was made with them."""
    given, content = _parted(read_file(store, METADATA))
    if given != UNSEALED:
        raise ValueError(f"{store} is sealed already")
    write_file(store, METADATA, _ATTRIBUTE.sub(rb"\g<1>" + _digest(store, content).encode() + rb"\g<3>", content))


def check_seal(store: Place) -> str:
    """The seal of `store`; Unsealed where a file is missing, too many, in another's place, or not what was written.

    The content of a chunk is only compared with its CRC-32C when it is read. OSError passes.
    """
    given, content = _parted(_metadata(store))
    if given == UNSEALED:
        raise Unsealed("it was never finished")
    if _digest(store, content) != given:
        raise Unsealed("its files do not have the digest in its seal")
    return given


def recorded_seal(store: Place) -> str:
    """The seal that `store` says it has, unchecked. Raises Unsealed where it has none; OSError passes."""
    return _parted(_metadata(store))[0]


def _metadata(store: Place) -> bytes:
    try:
        return read_file(store, METADATA)
    except FileNotFoundError:
        raise Unsealed(f"there is no {METADATA} in it") from None


def _parted(content: bytes) -> tuple[str, bytes]:
    """The seal in the group's metadata, and the metadata with zeros in its place."""
    found = _ATTRIBUTE.findall(content)
    if len(found) != 1:
        raise Unsealed("it has no seal")
    return found[0][1].decode(), _ATTRIBUTE.sub(rb"\g<1>" + UNSEALED.encode() + rb"\g<3>", content)


def _digest(store: Place, group_metadata: bytes) -> str:
    # What begins with a dot is left by file managers and network disks, and no part of a store.
    sizes = {name: size for name, size in file_sizes(store).items() if not name.rpartition("/")[2].startswith(".")}
    told = {**_told(store, sizes), METADATA: group_metadata}
    total = hashlib.sha256()
    for name in sorted(sizes):
        total.update(json.dumps([name, len(told[name])]).encode())
        total.update(told[name])
    return total.hexdigest()


def _told(store: Place, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """By file, what goes into the digest: metadata, and of chunks and shards what holds their content."""
    described = [name for name in sizes if name.rpartition("/")[2] == METADATA]
    whole = read_parts(store, [Part(name, 0, sizes[name]) for name in described])
    told = dict(zip(described, whole, strict=True))
    in_shard = {name.rpartition("/")[0]: _chunks_of_shard(metadata) for name, metadata in told.items()}
    chunks = {name: in_shard.get(name.partition("/c/")[0], 0) for name in sizes if name not in told}
    ends = [Part(name, max(0, sizes[name] - _end_bytes(count)), sizes[name]) for name, count in chunks.items()]
    last = dict(zip(chunks, read_parts(store, ends), strict=True))
    inner = [part for name, count in chunks.items() if count for part in _checksums(name, last[name], sizes[name])]
    for part, checksum in zip(inner, read_parts(store, inner), strict=True):
        last[part.name] += checksum
    return told | {name: sizes[name].to_bytes(8, "little") + end for name, end in last.items()}


def _chunks_of_shard(metadata: bytes) -> int:
    """How many chunks each file of an array holds by its `metadata`; 0 where it has no shards, or says nothing."""
    try:
        described = json.loads(metadata)
        if described["node_type"] != "array" or described["codecs"][0]["name"] != "sharding_indexed":
            return 0
        shard = described["chunk_grid"]["configuration"]["chunk_shape"]
        chunk = described["codecs"][0]["configuration"]["chunk_shape"]
        return math.prod(long // short for long, short in zip(shard, chunk, strict=True))
    except (ValueError, KeyError, TypeError, IndexError, ArithmeticError):
        return 0  # damaged: the digest tells


def _end_bytes(chunks: int) -> int:
    """Of a file's end what goes into the digest: a chunk's checksum, or a shard's index with its own."""
    return chunks * _INDEX_ENTRY_BYTES + _CRC_BYTES


def _checksums(name: str, index: bytes, size: int) -> Iterator[Part]:
    """Where the chunks of a shard of `size` bytes have their checksums."""
    for place in range(0, len(index) - _CRC_BYTES, _INDEX_ENTRY_BYTES):
        start = int.from_bytes(index[place : place + 8], "little")
        length = int.from_bytes(index[place + 8 : place + 16], "little")
        if start == length == _NO_CHUNK:
            continue
        if not _CRC_BYTES <= length <= size or start + length > size:
            raise Unsealed(f"{name} is no shard")
        yield Part(name, start + length - _CRC_BYTES, start + length)
