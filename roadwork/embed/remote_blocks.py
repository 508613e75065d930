"""Blocks in an object store.

Nothing is locked there, and nothing needs to be: a block's name is the sha256 of its bytes and an object appears whole,
so that whoever writes the same rows twice writes the same object, or one more that serves as well.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from roadwork.embed.blocks import Blocks, Fault, Version
from roadwork.embed.cache_block import SUFFIX, DamagedBlockError, Header, block_content, parsed_block
from roadwork.embed.local_blocks import own_facts
from roadwork.embed.remote_claims import RemoteClaim
from roadwork.storage.objects import at_once, delete_object, listed, object_size, read_object, write_object

if TYPE_CHECKING:
    from upath import UPath

_FACTS = "fingerprint.json"
_HEADER_BYTES = 4096  # holds the header of any block that this project wrote
_HELD_BYTES = 256 * 2**20
_WHOLE_FROM = 4
"""Of a block that was verified before, rows are fetched alone where they are less than a quarter of it."""


class RemoteBlocks(Blocks):
    """Objects. Of those that were read whole, the last quarter of a gibibyte stays in memory."""

    def __init__(self, folder: UPath) -> None:
        self._folder = folder
        self._sizes: dict[str, int] = {}
        self._headers: dict[str, Header] = {}
        self._verified: set[str] = set()
        self._held: OrderedDict[str, NDArray[np.float16]] = OrderedDict()

    @property
    def folder(self) -> UPath:
        """Where they lie."""
        return self._folder

    def versions(self) -> dict[str, Version]:
        """The size of every block: one of another content has another name."""
        found = {
            entry.name: entry.size_bytes
            for entry in listed(self._folder)
            if entry.name.endswith(SUFFIX) and not entry.name.startswith(".")
        }
        self._sizes.update(found)
        return {name: (size,) for name, size in found.items()}

    def ids(self, names: Sequence[str]) -> Iterator[tuple[str, list[str] | Fault]]:
        """Two small requests a block, many at a time."""
        return iter(at_once(lambda name: (name, self._ids(name)), names))

    def verify(self, name: str) -> None:
        """Left to `copy`: it would cost the transfer of the whole block. Its length was compared with its header."""

    def read(self, name: str) -> tuple[list[str], NDArray[np.float16]]:
        """Fetch the object."""
        content = read_object(self._folder / name)
        if hashlib.sha256(content).hexdigest() != name.removesuffix(SUFFIX):
            raise DamagedBlockError("its bytes do not have the sha256 in its name")
        return parsed_block(content)

    def shape(self, name: str) -> tuple[int, int]:
        """View and dim of the block's rows."""
        return self._header(name).shape[1:]

    def copy(self, name: str, places: Mapping[int, int], into: NDArray[np.float16]) -> Version:
        """The whole block the first time, its sha256 compared with its name; later perhaps its rows alone."""
        header = self._header(name)
        if header.shape[1:] != into.shape[1:] or max(places) >= header.shape[0]:
            raise DamagedBlockError(f"its embeddings are {header.shape}, not rows of {into.shape[1:]}")
        if name in self._held or name not in self._verified or len(places) * _WHOLE_FROM >= header.shape[0]:
            rows = self._whole(name)
            for row, place in places.items():
                into[place] = rows[row]
        else:
            self._alone(name, header, places, into)
        return (self._sizes[name],)

    def write(self, image_ids: Sequence[str], embeddings: NDArray[np.float16]) -> tuple[str, Version]:
        """Put a block."""
        name, content = block_content(image_ids, embeddings)
        write_object(self._folder / name, content)
        self._sizes[name] = len(content)
        return name, (len(content),)

    def set_aside(self, name: str) -> str | None:
        """Copy the block to `*.damaged` and delete it."""
        self._forget(name)
        aside = f"{name}.{uuid4().hex[:8]}.damaged"
        try:
            write_object(self._folder / aside, read_object(self._folder / name))
        except FileNotFoundError:
            return None
        delete_object(self._folder / name)
        return aside

    def facts(self) -> Mapping[str, Any] | None:
        """From `fingerprint.json`."""
        try:
            return own_facts(read_object(self._folder / _FACTS), self._folder.name)
        except FileNotFoundError:
            return None

    def describe(self, key: str, fields: Mapping[str, Any]) -> None:
        """Put `fingerprint.json`."""
        content = json.dumps({"key": key, "fields": dict(fields)}, indent=2, ensure_ascii=False, allow_nan=False)
        write_object(self._folder / _FACTS, f"{content}\n".encode())

    def locked(self) -> AbstractContextManager[None]:
        """Nothing: there are no locks, see above."""
        return nullcontext()

    def tidy(self) -> None:
        """Nothing: an object that wasn't written to its end never appeared."""

    def claim(self) -> RemoteClaim:
        """Two objects that are renewed for as long as this process lives."""
        return RemoteClaim(self._folder)

    def files(self) -> dict[str, int]:
        """Objects directly in the folder."""
        return {entry.name: entry.size_bytes for entry in listed(self._folder)}

    def clear(self) -> None:
        """Delete every object below."""
        at_once(lambda entry: delete_object(self._folder / entry.name), listed(self._folder, deep=True))

    def _ids(self, name: str) -> list[str] | Fault:
        try:
            header = self._header(name)
            return header.ids(read_object(self._folder / name, *header.ids_at))
        except (DamagedBlockError, OSError) as fault:
            return fault

    def _header(self, name: str) -> Header:
        if name not in self._headers:
            place = self._folder / name
            start = read_object(place, 0, _HEADER_BYTES)
            if name not in self._sizes:
                self._sizes[name] = object_size(place)
            self._headers[name] = Header.of(start, size_bytes=self._sizes[name])
        return self._headers[name]

    def _whole(self, name: str) -> NDArray[np.float16]:
        """The block's rows, verified."""
        if name in self._held:
            self._held.move_to_end(name)
            return self._held[name]
        rows = self._held[name] = self.read(name)[1]
        self._verified.add(name)
        while len(self._held) > 1 and sum(each.nbytes for each in self._held.values()) > _HELD_BYTES:
            self._held.popitem(last=False)
        return rows

    def _alone(self, name: str, header: Header, places: Mapping[int, int], into: NDArray[np.float16]) -> None:
        def fetched(item: tuple[int, int]) -> None:
            row, place = item
            content = read_object(self._folder / name, *header.row_at(row))
            if len(content) != into[place].nbytes:
                raise DamagedBlockError("it ends before its last row")
            into[place] = np.frombuffer(content, np.float16).reshape(into.shape[1:])

        at_once(fetched, places.items())

    def _forget(self, name: str) -> None:
        for known in (self._sizes, self._headers, self._held):
            known.pop(name, None)
        self._verified.discard(name)
