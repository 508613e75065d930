"""One finished piece of the embedding cache: a safetensors file whose name is the sha256 of its bytes.

The name is the checksum, so a block can be verified alone, equal blocks of two processes are one file, and a block
never changes after its rename.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from roadwork.embed.zarr_folder import ID_BYTES, pack_ids, unpack_ids
from roadwork.publish import published_file

SUFFIX = ".safetensors"
_LONGEST_HEADER = 1 << 20


class DamagedBlockError(Exception):
    """A block whose bytes are not those that were written; the cache sets it aside."""


def block_content(image_ids: Sequence[str], embeddings: NDArray[np.float16]) -> tuple[str, bytes]:
    """File name and bytes of the block that holds `embeddings [image view dim]`."""
    content = safetensors.numpy.save({"embeddings": embeddings, "image_id": pack_ids(image_ids)})
    return f"{hashlib.sha256(content).hexdigest()}{SUFFIX}", content


def write_block(folder: Path, image_ids: Sequence[str], embeddings: NDArray[np.float16]) -> Path:
    """Publish `embeddings [image view dim]` as a block in `folder` (temporary name, fsync, rename); its path."""
    name, content = block_content(image_ids, embeddings)
    with published_file(folder / name) as aside:
        aside.write_bytes(content)
    return folder / name


def read_block_ids(path: Path) -> list[str]:
    """The image ids of a block, without its embeddings and without the checksum.

    Raises DamagedBlockError when the header doesn't fit the file, OSError when it can't be read (FileNotFoundError when
    another process removed it).
    """
    _check_kind(path)
    with path.open("rb"):  # safe_open reports what can't be read in its own ways
        pass
    try:
        with safe_open(path, framework="numpy") as block:
            return _checked_ids(block.get_tensor("image_id"))
    except (SafetensorError, ValueError) as error:
        raise DamagedBlockError(str(error)) from error


def read_block(path: Path) -> tuple[list[str], NDArray[np.float16]]:
    """Image ids and `embeddings [image view dim]` of a block, after its checksum was verified.

    Raises DamagedBlockError when the bytes aren't those that were written, OSError when they can't be read.
    """
    _check_kind(path)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != path.name.removesuffix(SUFFIX):
        raise DamagedBlockError("its bytes do not have the sha256 in its name")
    return parsed_block(content)


def parsed_block(content: bytes) -> tuple[list[str], NDArray[np.float16]]:
    """Image ids and `embeddings [image view dim]` of a block's bytes; DamagedBlockError where they are no block's."""
    try:
        tensors = safetensors.numpy.load(content)
        ids, embeddings = _checked_ids(tensors["image_id"]), tensors["embeddings"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DamagedBlockError(f"it is no block: {error}") from error
    if embeddings.dtype != np.float16 or embeddings.ndim != 3 or len(embeddings) != len(ids):
        raise DamagedBlockError(f"its embeddings are {embeddings.dtype} {embeddings.shape} for {len(ids)} images")
    return ids, embeddings


def read_rows(path: Path, places: Mapping[int, int], into: NDArray[np.float16]) -> os.stat_result:
    """Copy rows of a block, one by one: for each `places[row] = place`, the block's row `row` to `into[place]`.

    Without the checksum, for blocks that were verified before: the state of the file that was read is returned, to
    compare. Raises DamagedBlockError where the block holds no such rows of `into`'s shape, OSError as `read_block`.
    """
    _check_kind(path)
    with path.open("rb") as block:
        header = _header(block)
        if header.shape[1:] != into.shape[1:] or into.dtype != np.float16 or max(places) >= header.shape[0]:
            raise DamagedBlockError(f"its embeddings are {header.shape}, not rows of {into.dtype} {into.shape[1:]}")
        for row, place in places.items():
            start, end = header.row_at(row)
            block.seek(start)
            if block.readinto(into[place].data) != end - start:
                raise DamagedBlockError("it ends before its last row")
        return os.fstat(block.fileno())


def row_shape(path: Path) -> tuple[int, int]:
    """View and dim of a block's rows; the errors are those of `read_block_ids`."""
    _check_kind(path)
    with path.open("rb") as block:
        return _header(block).shape[1:]


@dataclass(frozen=True)
class Header:
    """Where in a block's bytes what lies. (Eight bytes of length, a JSON header, the tensors.)"""

    start: int  # of the embeddings
    shape: tuple[int, int, int]  # image view dim
    ids_at: tuple[int, int]  # from, to

    @classmethod
    def of(cls, content: bytes, *, size_bytes: int | None = None) -> Self:
        """From a block's first bytes; DamagedBlockError where they are no block's, or not of `size_bytes` in all."""
        try:
            length = int.from_bytes(content[:8], "little")
            told = json.loads(content[8 : 8 + length])
            images, views, dim = (int(count) for count in told["embeddings"]["shape"])
            if told["embeddings"]["dtype"] != "F16":
                raise ValueError(f"its embeddings are {told['embeddings']['dtype']}")
            (start, end), (first, last) = (told[name]["data_offsets"] for name in ("embeddings", "image_id"))
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedBlockError(f"it is no block: {error}") from error
        body = 8 + length
        if size_bytes not in (None, body + max(end, last)) or end - start != 2 * images * views * dim:
            raise DamagedBlockError(f"its length, {size_bytes} bytes, is not what its header tells")
        return cls(body + start, (images, views, dim), (body + first, body + last))

    def row_at(self, row: int) -> tuple[int, int]:
        """From which byte to which the embeddings of image `row` lie."""
        row_bytes = 2 * self.shape[1] * self.shape[2]
        return self.start + row * row_bytes, self.start + (row + 1) * row_bytes

    def ids(self, content: bytes) -> list[str]:
        """The image ids, from the bytes at `ids_at`."""
        if len(content) != self.shape[0] * ID_BYTES:
            raise DamagedBlockError(f"{len(content)} bytes of ids for {self.shape[0]} images")
        return unpack_ids(np.frombuffer(content, np.uint8).reshape(-1, ID_BYTES))


def _header(block: BinaryIO) -> Header:
    length = block.read(8)
    return Header.of(length + block.read(min(int.from_bytes(length, "little"), _LONGEST_HEADER)))


def _check_kind(path: Path) -> None:
    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe in its place would be waited for
        raise DamagedBlockError("it is no file")


def _checked_ids(raw: NDArray[np.uint8]) -> list[str]:
    if raw.dtype != np.uint8 or raw.ndim != 2 or raw.shape[1] != ID_BYTES:
        raise DamagedBlockError(f"image_id is {raw.dtype} {raw.shape}")
    return unpack_ids(raw)
