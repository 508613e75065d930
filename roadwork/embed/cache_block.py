"""One finished piece of the embedding cache: a safetensors file whose name is the sha256 of its bytes.

The name is the checksum, so a block can be verified alone, equal blocks of two processes are one file, and a block
never changes after its rename.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from roadwork.embed.zarr_folder import pack_ids, unpack_ids
from roadwork.publish import published_file

SUFFIX = ".safetensors"


class DamagedBlockError(Exception):
    """A block whose bytes are not those that were written; the cache sets it aside."""


def write_block(folder: Path, image_ids: Sequence[str], embeddings: NDArray[np.float16]) -> Path:
    """Publish `embeddings [image view dim]` as a block in `folder` (temporary name, fsync, rename); its path."""
    content = safetensors.numpy.save({"embeddings": embeddings, "image_id": pack_ids(image_ids)})
    path = folder / f"{hashlib.sha256(content).hexdigest()}{SUFFIX}"
    with published_file(path) as aside:
        aside.write_bytes(content)
    return path


def read_block_ids(path: Path) -> list[str]:
    """The image ids of a block, without its embeddings and without the checksum.

    Raises DamagedBlockError when the header doesn't fit the file, FileNotFoundError when another process removed it.
    """
    os.stat(path)  # safe_open reports a missing file in its own way
    try:
        with safe_open(path, framework="numpy") as block:
            return _checked_ids(block.get_tensor("image_id"))
    except (SafetensorError, ValueError) as error:
        raise DamagedBlockError(str(error)) from error


def read_block(path: Path) -> tuple[list[str], NDArray[np.float16]]:
    """Image ids and `embeddings [image view dim]` of a block, after its checksum was verified.

    Raises DamagedBlockError when the bytes aren't those that were written.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != path.name.removesuffix(SUFFIX):
        raise DamagedBlockError("its bytes do not have the sha256 in its name")
    tensors = safetensors.numpy.load(content)
    return unpack_ids(tensors["image_id"]), tensors["embeddings"]


def _checked_ids(raw: NDArray[np.uint8]) -> list[str]:
    if raw.dtype != np.uint8 or raw.ndim != 2 or raw.shape[1] != 32:
        raise DamagedBlockError(f"image_id is {raw.dtype} {raw.shape}")
    return unpack_ids(raw)
