"""Photographs in, float16 rows out: decoding, copying and computing overlap.

The model is called with the views of exactly one photograph each time. A matrix product may round differently when
its number of rows changes, so larger or varying calls would let a result depend on its neighbours; and one photograph
is work enough (12 views of 512 px through ViT-H+ are 23 TFLOP). `batch_images` groups photographs for the copy only.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadwork.embed.decode_workers import overlapped
from roadwork.embed.half import to_float16
from roadwork.errors import RoadworkError

Cut = Callable[["Photograph"], NDArray[np.uint8]]
"""A photograph's views, uint8 `[view size size 3]`."""
Embed = Callable[[Tensor], Tensor]
"""uint8 views `[image view size size 3]` on the device -> float32 `[image view dim]` on the device."""


@dataclass(frozen=True)
class Photograph:
    """One photograph as the stream takes it."""

    image_id: str
    path: Path
    boxes: NDArray[np.int32]  # view 4: left, top, right, bottom
    pixels: int  # width times height, as ingest found it


@dataclass(frozen=True)
class Rows:
    """Finished rows."""

    image_ids: list[str]
    embeddings: NDArray[np.float16]  # image view dim


def copy_size(asked: int | Literal["auto"], device: torch.device) -> int:
    """Photographs per copy to `device`: `asked`, or 8 for CUDA (75 MB of pinned memory at 512 px) and 1 for the CPU."""
    if asked != "auto":
        return asked
    return 8 if device.type == "cuda" else 1


def embed_stream(
    photographs: Sequence[Photograph], *, cut: Cut, embed: Embed, device: torch.device, workers: int, batch_images: int
) -> Generator[Rows, None, None]:
    """Rows of `photographs`, in order, in pieces of `batch_images`.

    Memory holds a few batches whatever the number of photographs. Raises what `cut` raises, in its photograph's turn,
    and StoreError for a value that float16 can't hold.
    """
    views = overlapped(lambda photo: (photo, cut(photo)), photographs, workers=workers, ahead=2 * batch_images)
    try:
        run = _on_cuda if device.type == "cuda" else _on_cpu
        for photos, vectors in run(views, embed, device, batch_images):
            ids = [photo.image_id for photo in photos]
            yield Rows(ids, to_float16(vectors, ids))
    finally:
        views.close()


Cuts = Iterable[tuple[Photograph, NDArray[np.uint8]]]
Vectors = Iterator[tuple[list[Photograph], NDArray[np.float32]]]


def _on_cpu(views: Cuts, embed: Embed, device: torch.device, batch_images: int) -> Vectors:
    for photos, pixels in _batches(views, batch_images):
        vectors = [embed(torch.from_numpy(image[None]).to(device)) for image in pixels]
        yield photos, torch.cat(vectors).numpy()


def _on_cuda(views: Cuts, embed: Embed, device: torch.device, batch_images: int) -> Vectors:
    """Copies run on a side stream from pinned memory; the CPU prepares a batch while the GPU computes the last."""
    side = torch.cuda.Stream(device)
    with torch.cuda.device(device):
        compute = torch.cuda.current_stream(device)
        launched: tuple[list[Photograph], Tensor, torch.cuda.Event] | None = None
        for photos, cuts in _batches(views, batch_images):
            pinned = torch.from_numpy(np.stack(cuts)).pin_memory()
            with torch.cuda.stream(side):
                pixels = pinned.to(device, non_blocking=True)
            compute.wait_stream(side)
            pixels.record_stream(compute)  # else the side stream could reuse its memory while it is read
            vectors = torch.cat([embed(image[None]) for image in pixels])
            host = torch.empty(vectors.shape, dtype=vectors.dtype, pin_memory=True)
            host.copy_(vectors, non_blocking=True)
            done = torch.cuda.Event()
            done.record(compute)
            if launched is not None:
                yield _landed(*launched)
            launched = photos, host, done
        if launched is not None:
            yield _landed(*launched)


def _landed(
    photos: list[Photograph], host: Tensor, done: torch.cuda.Event
) -> tuple[list[Photograph], NDArray[np.float32]]:
    done.synchronize()
    return photos, host.numpy()


def _batches(views: Cuts, size: int) -> Iterator[tuple[list[Photograph], list[NDArray[np.uint8]]]]:
    """Groups of `size`. Where a photograph fails, those before it still come first, then its error."""
    photos: list[Photograph] = []
    pixels: list[NDArray[np.uint8]] = []
    source = iter(views)
    failure: RoadworkError | None = None
    while failure is None:
        try:
            photo, cut = next(source)
            photos.append(photo)
            pixels.append(cut)
        except StopIteration:
            break
        except RoadworkError as error:
            failure = error
        if len(photos) == size:
            yield photos, pixels
            photos, pixels = [], []
    if photos:
        yield photos, pixels
    if failure is not None:
        raise failure
