"""The two feature stores: what the frozen models said about every image, in manifest order.

`images.zarr`: `embeddings [image view dim]` float16, `image_id [image 32]` uint8 (the raw sha256 of the file).
`text.zarr`: `embeddings [image 384]` float16, `present [image]` bool, `image_id` likewise.
Attributes (both): `fingerprint`, `provenance`, `manifest_digest`. Training reads a store once into memory, or, where it
is too large for that, chunk by chunk. Whatever bit of a store's files changes, reading it is a StoreError (see
`zarr_folder`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from roadwork.embed.half import to_float16
from roadwork.embed.store_seal import recorded_seal
from roadwork.embed.zarr_folder import (
    CHUNK_IMAGES,
    ID_BYTES,
    attributes_of,
    open_array,
    opened_group,
    pack_ids,
    published_group,
    read_array,
    read_chunk,
    told_faults,
    unpack_ids,
    write_array,
)
from roadwork.errors import StoreError

_IMAGE_STAGE = "embed_images"


@dataclass(frozen=True)
class ImageStore:
    """Image embeddings as read into memory."""

    embeddings: NDArray[np.float16]  # image view dim
    image_ids: list[str]  # sha256 in hex
    attributes: dict[str, Any]


@dataclass(frozen=True)
class ImageStoreOnDisk:
    """Image embeddings that are read chunk by chunk."""

    path: Path
    image_ids: list[str]  # sha256 in hex
    attributes: dict[str, Any]
    array: zarr.Array
    seal: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Image, view, dim."""
        images, views, dim = self.array.shape
        return images, views, dim

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-len(self.image_ids) // CHUNK_IMAGES)

    def chunk(self, number: int) -> NDArray[np.float16]:
        """The CHUNK_IMAGES images from `number * CHUNK_IMAGES` on, fewer in the last chunk: `[image view dim]`.

        Raises StoreError when the chunk is damaged, has NaN rows, or the store isn't the one that was opened any more.
        """
        with told_faults(self.path, stage=_IMAGE_STAGE):
            rows = read_chunk(self.array, number, path=self.path, stage=_IMAGE_STAGE)
            if recorded_seal(self.path) != self.seal:
                raise StoreError(
                    "the feature store was replaced while it was being read",
                    where=str(self.path),
                    rule="a training reads one store from its first epoch to its last",
                    fix="wait for the stage that writes it, then run this one again",
                )
        return rows


@dataclass(frozen=True)
class TextStore:
    """Text embeddings as read into memory; rows without a sentence are zero and not `present`."""

    embeddings: NDArray[np.float16]  # image dim
    present: NDArray[np.bool_]  # image
    image_ids: list[str]  # sha256 in hex
    attributes: dict[str, Any]


def write_image_store(
    path: Path,
    image_ids: Sequence[str],
    blocks: Iterable[NDArray[np.floating]],
    *,
    view_count: int,
    dim: int,
    attributes: Mapping[str, Any],
) -> None:
    """Publish the store at `path` with one rename, from `blocks [image view dim]` of any lengths in `image_ids` order.

    Equal input gives equal bytes, however it is cut into blocks. Raises StoreError for a value that float16 can't
    hold, naming the image; nothing is left behind then, and an earlier store stays.
    """
    shape = (len(image_ids), view_count, dim)
    with published_group(path, attributes) as group:
        halves = _as_float16(blocks, image_ids)
        write_array(group, "embeddings", halves, shape=shape, dtype="float16", axes=("image", "view", "dim"))
        _write_ids(group, image_ids)


def read_image_store(path: Path, *, image_ids: Sequence[str] | None = None) -> ImageStore:
    """The image store at `path`, in one read.

    Raises StoreError when it is missing or damaged, has NaN rows, or its ids aren't `image_ids` in their order.
    """
    stage = _IMAGE_STAGE
    with opened_group(path, stage=stage) as group:
        embeddings = read_array(group, "embeddings", path=path, stage=stage, shape=(None, None, None), dtype="float16")
        ids = _read_ids(group, len(embeddings), path, stage, image_ids)
        return ImageStore(embeddings, ids, attributes_of(group))


def open_image_store(path: Path, *, image_ids: Sequence[str] | None = None) -> ImageStoreOnDisk:
    """The image store at `path`, its embeddings left on the disk; the errors are those of `read_image_store`."""
    stage = _IMAGE_STAGE
    with opened_group(path, stage=stage) as group:
        array = open_array(group, "embeddings", path=path, stage=stage, shape=(None, None, None), dtype="float16")
        ids = _read_ids(group, array.shape[0], path, stage, image_ids)
        return ImageStoreOnDisk(path, ids, attributes_of(group), array, recorded_seal(path))


def write_text_store(
    path: Path,
    image_ids: Sequence[str],
    embeddings: NDArray[np.floating],
    present: NDArray[np.bool_],
    *,
    attributes: Mapping[str, Any],
) -> None:
    """Publish the text store at `path` with one rename, from `embeddings [image dim]` and `present [image]`.

    Raises StoreError for a value that float16 can't hold, naming the image.
    """
    half = to_float16(embeddings, image_ids)
    with published_group(path, attributes) as group:
        write_array(group, "embeddings", [half], shape=half.shape, dtype="float16", axes=("image", "dim"))
        write_array(group, "present", [present], shape=(len(image_ids),), dtype="bool", axes=("image",))
        _write_ids(group, image_ids)


def read_text_store(path: Path, *, image_ids: Sequence[str] | None = None) -> TextStore:
    """The text store at `path`, in one read; the errors are those of `read_image_store`."""
    stage = "embed_text"
    with opened_group(path, stage=stage) as group:
        embeddings = read_array(group, "embeddings", path=path, stage=stage, shape=(None, None), dtype="float16")
        present = read_array(group, "present", path=path, stage=stage, shape=(len(embeddings),), dtype="bool")
        ids = _read_ids(group, len(embeddings), path, stage, image_ids)
        return TextStore(embeddings, present, ids, attributes_of(group))


def _as_float16(blocks: Iterable[NDArray[np.floating]], image_ids: Sequence[str]) -> Iterator[NDArray[np.float16]]:
    start = 0
    for block in blocks:
        yield to_float16(block, image_ids[start : start + len(block)])
        start += len(block)


def _write_ids(group: Any, image_ids: Sequence[str]) -> None:
    shape = (len(image_ids), ID_BYTES)
    write_array(group, "image_id", [pack_ids(image_ids)], shape=shape, dtype="uint8", axes=("image", "byte"))


def _read_ids(group: Any, count: int, path: Path, stage: str, expected: Sequence[str] | None) -> list[str]:
    ids = unpack_ids(read_array(group, "image_id", path=path, stage=stage, shape=(count, ID_BYTES), dtype="uint8"))
    if expected is None or ids == list(expected):
        return ids
    if len(ids) != len(expected):
        what = f"the store holds {len(ids)} images, {len(expected)} are expected"
    else:
        row = next(row for row, (given, wanted) in enumerate(zip(ids, expected, strict=True)) if given != wanted)
        what = f"row {row} is image {ids[row]}, expected is {expected[row]}"
    raise StoreError(
        what,
        where=f"{path}: image_id",
        rule="a store has the manifest's rows in the manifest's order",
        fix=f"run `roadwork {stage}` again",
    )
