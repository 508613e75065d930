"""Photographs, their views and what became of them, as the tables that go through Ray Data.

A photograph's views are one binary value, so that a node reads them where they lie in shared memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadwork.cluster.told_error import told
from roadwork.embed.photograph import Photograph
from roadwork.errors import RoadworkError
from roadwork.storage.place import is_remote, reopened


def photograph_tables(photographs: Sequence[Photograph], *, sizes: Sequence[int]) -> Iterator[pa.Table]:
    """Tables of so many photographs each: where they lie and which boxes are cut out of them."""
    start = 0
    for size in sizes:
        some = photographs[start : start + size]
        start += size
        yield pa.table(
            {
                "image_id": pa.array([photo.image_id for photo in some], pa.string()),
                "place": pa.array([_place(photo) for photo in some], pa.string()),
                "boxes": pa.array([photo.boxes.astype(np.int32).tobytes() for photo in some], pa.binary()),
                "pixels": pa.array([photo.pixels for photo in some], pa.int64()),
            }
        )


def photographs_in(table: pa.Table) -> list[Photograph]:
    """The photographs of a table; without boxes where it no longer has them."""
    columns = table.to_pydict() if "boxes" in table.column_names else table.select(["image_id", "place"]).to_pydict()
    count = len(table)
    boxes, pixels = columns.get("boxes", [b""] * count), columns.get("pixels", [0] * count)
    return [
        Photograph(image_id, reopened(place), np.frombuffer(box, np.int32).reshape(-1, 4), size)
        for image_id, place, box, size in zip(columns["image_id"], columns["place"], boxes, pixels, strict=True)
    ]


def view_table(table: pa.Table, cuts: Iterable[NDArray[np.uint8] | RoadworkError]) -> pa.Table:
    """The photographs of `table` with their views, or with the error that stands in their way."""
    pixels: list[NDArray[np.uint8]] = []
    sizes, errors = [], []
    for cut in cuts:
        failed = isinstance(cut, RoadworkError)
        errors.append(told(cut) if failed else None)
        sizes.append(0 if failed else cut.nbytes)
        if not failed:
            pixels.append(np.ascontiguousarray(cut).reshape(-1))
    content = np.concatenate(pixels) if pixels else np.empty(0, np.uint8)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    views = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(sizes), [None, pa.py_buffer(offsets), pa.py_buffer(content)]
    )
    return pa.table(
        {
            "image_id": table.column("image_id"),
            "place": table.column("place"),
            "views": views,
            "error": pa.array(errors, pa.string()),
        }
    )


def views_in(table: pa.Table, size_px: int) -> list[NDArray[np.uint8]]:
    """The views `[view size size 3]` of each photograph, not copied; no views where there is an error."""
    buffers = (value.as_buffer() for value in table.column("views"))
    return [np.frombuffer(buffer, np.uint8).reshape(-1, size_px, size_px, 3) for buffer in buffers]


def result_table(image_ids: Sequence[str], errors: Sequence[str | None]) -> pa.Table:
    """What became of photographs: their row is in the cache where `errors` has None."""
    return pa.table({"image_id": pa.array(image_ids, pa.string()), "error": pa.array(errors, pa.string())})


def _place(photo: Photograph) -> str:
    return str(photo.path) if is_remote(photo.path) else str(Path(str(photo.path)).absolute())
