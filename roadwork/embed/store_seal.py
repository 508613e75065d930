"""The seal of a feature store: one digest that holds its metadata and its chunks together.

A checksum inside each chunk can't tell that two chunks have changed places, that one is left over from another store,
or that the metadata says something else about them. The seal is the sha256 (hex) over every file of the store, by name:
metadata with all its bytes, a chunk with its size and its CRC-32C (its last four bytes), which Zarr itself compares
with the chunk's content. So checking a seal reads a few kilobytes, however large the store is.

It lies in the attribute `seal` of the group; for the digest 64 zeros stand in its place.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

SEAL = "seal"
UNSEALED = "0" * 64

_METADATA = "zarr.json"
_ATTRIBUTE = re.compile(rb'("seal": ")([0-9a-f]{64})(")')
_CRC_BYTES = 4


class Unsealed(Exception):  # noqa: N818  the caller words it for its user
    """A store whose files are not those that were sealed; the text tells why."""


def write_seal(store: Path) -> None:
    """Replace the zeros in the attribute `seal` of the finished `store`, which was made with them."""
    file = store / _METADATA
    given, content = _parted(file.read_bytes())
    if given != UNSEALED:
        raise ValueError(f"{store} is sealed already")
    file.write_bytes(_ATTRIBUTE.sub(rb"\g<1>" + _digest(store, content).encode() + rb"\g<3>", content))


def check_seal(store: Path) -> None:
    """Raise Unsealed where a file of `store` is missing, too many, in another's place, or not what was written.

    The content of a chunk is only compared with its CRC-32C when it is read. OSError passes.
    """
    try:
        given, content = _parted((store / _METADATA).read_bytes())
    except FileNotFoundError:
        raise Unsealed(f"there is no {_METADATA} in it") from None
    if _digest(store, content) != given:
        raise Unsealed("its files do not have the digest in its seal")


def recorded_seal(store: Path) -> str:
    """The seal that `store` says it has, unchecked. Raises Unsealed where it has none; OSError passes."""
    try:
        return _parted((store / _METADATA).read_bytes())[0]
    except FileNotFoundError:
        raise Unsealed(f"there is no {_METADATA} in it") from None


def _parted(content: bytes) -> tuple[str, bytes]:
    """The seal in the group's metadata, and the metadata with zeros in its place."""
    found = _ATTRIBUTE.findall(content)
    if len(found) != 1:
        raise Unsealed("it has no seal")
    return found[0][1].decode(), _ATTRIBUTE.sub(rb"\g<1>" + UNSEALED.encode() + rb"\g<3>", content)


def _digest(store: Path, group_metadata: bytes) -> str:
    total = hashlib.sha256()
    files = {file.relative_to(store).as_posix(): file for file in store.rglob("*") if not file.is_dir()}
    for name, file in sorted(files.items()):
        if name.rpartition("/")[2].startswith("."):  # what file managers and network disks leave; no part of a store
            continue
        content = group_metadata if name == _METADATA else _told(file)
        total.update(json.dumps([name, len(content)]).encode())
        total.update(content)
    return total.hexdigest()


def _told(file: Path) -> bytes:
    if file.name == _METADATA:
        return file.read_bytes()
    with file.open("rb") as chunk:
        size = chunk.seek(0, 2)
        chunk.seek(max(0, size - _CRC_BYTES))
        return size.to_bytes(8, "little") + chunk.read()
