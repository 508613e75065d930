"""The two feature stores: what the frozen models said about every image, in manifest order.

`images.zarr`: `embeddings [image view dim]` float16, `image_id [image 32]` uint8 (the raw sha256 of the file).
`text.zarr`: `embeddings [image 384]` float16, `present [image]` bool, `image_id` likewise.
Attributes (both): `fingerprint`, `provenance`, `manifest_digest`. Training reads a store once into memory, or, where it
is too large for that, chunk by chunk. Whatever bit of a store's files changes, reading it is a StoreError (see
`zarr_folder`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from roadwork.embed.half import to_float16
from roadwork.embed.store_place import FoundStore, named_seal, told_faults
from roadwork.embed.store_publication import published_store
from roadwork.embed.zarr_folder import (
    CHUNK_IMAGES,
    ID_BYTES,
    create_array,
    pack_ids,
    piece_images,
    require_whole,
    unpack_ids,
    write_array,
    write_blocks,
    write_rows,
)
from roadwork.embed.zarr_reading import (
    OpenedStore,
    open_array,
    opened_store,
    read_array,
    read_rows,
    require_finite,
)
from roadwork.errors import StoreError
from roadwork.storage.place import Place, is_remote, reopened

_IMAGE_STAGE = "embed_images"


@dataclass(frozen=True)
class ImageStore:
    """Image embeddings as read into memory."""

    embeddings: NDArray[np.float16]  # image view dim
    image_ids: list[str]  # sha256 in hex
    attributes: dict[str, Any]


@dataclass(frozen=True)
class ImageStoreOnDisk:
    """Image embeddings that are read chunk by chunk, from a disk or an object store."""

    found: FoundStore
    image_ids: list[str]  # sha256 in hex
    attributes: dict[str, Any]
    array: zarr.Array
    seal: str

    @property
    def path(self) -> Place:
        """The store as the caller named it."""
        return self.found.named

    @property
    def remote(self) -> bool:
        """Whether chunks come from an object store."""
        return is_remote(self.found.place)

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
        start = number * CHUNK_IMAGES
        with told_faults(self.path, stage=_IMAGE_STAGE):
            rows = read_rows(self.array, slice(start, start + CHUNK_IMAGES), self.found.place)
            rows = require_finite(rows, start, where=f"{self.found}: {self.array.basename}", stage=_IMAGE_STAGE)
        self.require_same()
        return rows

    def require_same(self) -> None:
        """Raise StoreError where the project has another store by now than the one that was opened."""
        with told_faults(self.path, stage=_IMAGE_STAGE):
            seal = named_seal(self.path)
        if seal != self.seal:
            raise StoreError(
                "the feature store was replaced while it was being read",
                where=str(self.path),
                rule="a training reads one store from its first epoch to its last",
                fix="wait for the stage that writes it, then run this one again",
            )


@dataclass(frozen=True)
class TextStore:
    """Text embeddings as read into memory; rows without a sentence are zero and not `present`."""

    embeddings: NDArray[np.float16]  # image dim
    present: NDArray[np.bool_]  # image
    image_ids: list[str]  # sha256 in hex
    attributes: dict[str, Any]


@dataclass(frozen=True)
class StoreDraft:
    """An image store in the making."""

    place: str  # of its folder or URL; `write_piece` takes it in any process that sees it, on any machine
    pieces: list[tuple[int, int]]  # first row and the one after the last; none where the store is there already


@contextmanager
def create_image_store(
    path: Path, image_ids: Sequence[str], *, view_count: int, dim: int, attributes: Mapping[str, Any]
) -> Iterator[StoreDraft]:
    """Yield the draft of a store of `image_ids`; when each of its pieces was written (`write_piece`), publish it.

    With `$ROADWORK_FEATURES` the store is published there, and at `path` a note that leads to it (see `store_place`).
    On an exception nothing is published, and an earlier store stays. Raises ValueError, a caller's bug, where a piece
    wasn't written.
    """
    packed = pack_ids(image_ids)
    shape = (len(image_ids), view_count, dim)
    content = hashlib.sha256(packed.tobytes()).hexdigest()
    with published_store(path, attributes, content=[shape, content]) as place:
        if place is None:
            yield StoreDraft("", [])
            return
        create_array(place, "embeddings", shape=shape, dtype="float16", axes=("image", "view", "dim"))
        piece = piece_images(len(image_ids))
        starts = range(0, len(image_ids), piece)
        yield StoreDraft(str(place), [(start, min(start + piece, len(image_ids))) for start in starts])
        require_whole(place, "embeddings", len(image_ids))
        _write_ids(place, packed)


def write_piece(place: str, start: int, rows: NDArray[np.float16]) -> None:
    """Write the piece of the draft at `place` that begins with row `start`: `rows [image view dim]`.

    Equal rows give equal bytes, also where a piece is written twice. Raises ValueError where `rows` aren't one of the
    draft's pieces, in float16 and in its shape: a caller's bug. Whether they are finite is the caller's to know.
    """
    write_rows(reopened(place), "embeddings", start, rows)


def write_image_store(
    path: Path,
    image_ids: Sequence[str],
    blocks: Iterable[NDArray[np.floating]],
    *,
    view_count: int,
    dim: int,
    attributes: Mapping[str, Any],
) -> None:
    """Publish the store at `path`, as `create_image_store`, from `blocks [image view dim]` in `image_ids` order.

    Equal input gives equal bytes, however it is cut into blocks. Raises StoreError for a value that float16 can't
    hold, naming the image; nothing is left behind then, and an earlier store stays.
    """
    with create_image_store(path, image_ids, view_count=view_count, dim=dim, attributes=attributes) as draft:
        if draft.place:
            halves = _as_float16(blocks, image_ids)
            write_blocks(reopened(draft.place), "embeddings", halves, images=len(image_ids))


def read_image_store(path: Place, *, image_ids: Sequence[str] | None = None) -> ImageStore:
    """The image store at `path`, or where a note there leads to, in one read.

    Raises StoreError when it is missing or damaged, has NaN rows, or its ids aren't `image_ids` in their order.
    """
    with opened_store(path, stage=_IMAGE_STAGE) as opened:
        embeddings = read_array(opened, "embeddings", shape=(None, None, None), dtype="float16")
        ids = _read_ids(opened, len(embeddings), image_ids)
        return ImageStore(embeddings, ids, opened.attributes)


def open_image_store(path: Place, *, image_ids: Sequence[str] | None = None) -> ImageStoreOnDisk:
    """The image store at `path`, its embeddings left where they are; the errors are those of `read_image_store`."""
    with opened_store(path, stage=_IMAGE_STAGE) as opened:
        array = open_array(opened, "embeddings", shape=(None, None, None), dtype="float16")
        ids = _read_ids(opened, array.shape[0], image_ids)
        return ImageStoreOnDisk(opened.found, ids, opened.attributes, array, opened.seal)


def write_text_store(
    path: Path,
    image_ids: Sequence[str],
    embeddings: NDArray[np.floating],
    present: NDArray[np.bool_],
    *,
    attributes: Mapping[str, Any],
) -> None:
    """Publish the text store at `path`, as image stores are, from `embeddings [image dim]` and `present [image]`.

    Raises StoreError for a value that float16 can't hold, naming the image.
    """
    half, packed = to_float16(embeddings, image_ids), pack_ids(image_ids)
    content = [hashlib.sha256(part.tobytes()).hexdigest() for part in (packed, half, present)]
    with published_store(path, attributes, content=[half.shape, *content]) as place:
        if place is None:
            return
        write_array(place, "embeddings", [half], shape=half.shape, dtype="float16", axes=("image", "dim"))
        write_array(place, "present", [present], shape=(len(image_ids),), dtype="bool", axes=("image",))
        _write_ids(place, packed)


def read_text_store(path: Place, *, image_ids: Sequence[str] | None = None) -> TextStore:
    """The text store at `path`, in one read; the errors are those of `read_image_store`."""
    with opened_store(path, stage="embed_text") as opened:
        embeddings = read_array(opened, "embeddings", shape=(None, None), dtype="float16")
        present = read_array(opened, "present", shape=(len(embeddings),), dtype="bool")
        ids = _read_ids(opened, len(embeddings), image_ids)
        return TextStore(embeddings, present, ids, opened.attributes)


def _as_float16(blocks: Iterable[NDArray[np.floating]], image_ids: Sequence[str]) -> Iterator[NDArray[np.float16]]:
    start = 0
    for block in blocks:
        yield to_float16(block, image_ids[start : start + len(block)])
        start += len(block)


def _write_ids(place: Place, packed: NDArray[np.uint8]) -> None:
    write_array(place, "image_id", [packed], shape=packed.shape, dtype="uint8", axes=("image", "byte"))


def _read_ids(opened: OpenedStore, count: int, expected: Sequence[str] | None) -> list[str]:
    ids = unpack_ids(read_array(opened, "image_id", shape=(count, ID_BYTES), dtype="uint8"))
    if expected is None or ids == list(expected):
        return ids
    if len(ids) != len(expected):
        what = f"the store holds {len(ids)} images, {len(expected)} are expected"
    else:
        row = next(row for row, (given, wanted) in enumerate(zip(ids, expected, strict=True)) if given != wanted)
        what = f"row {row} is image {ids[row]}, expected is {expected[row]}"
    raise StoreError(
        what,
        where=f"{opened.found}: image_id",
        rule="a store has the manifest's rows in the manifest's order",
        fix=f"run `roadwork {opened.stage}` again",
    )
