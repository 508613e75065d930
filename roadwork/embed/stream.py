"""Photographs in, float16 rows out: decoding, copying and computing overlap.

The model is called with the views of exactly one photograph each time. A matrix product may round differently when
its number of rows changes, so larger or varying calls would let a result depend on its neighbours; and one photograph
is work enough (12 views of 512 px through ViT-H+ are 23 TFLOP). `batch_images` groups photographs for the copy only.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadwork.embed.decode_workers import overlapped
from roadwork.embed.half import refuse_flat, to_float16
from roadwork.errors import BackboneError, PhotographError

Cut = Callable[["Photograph"], NDArray[np.uint8]]
"""A photograph's views, uint8 `[view size size 3]`."""
Embed = Callable[[Tensor], Tensor]
"""uint8 views `[image view size size 3]` on the device -> float32 `[image view dim]` on the device."""
Failed = Callable[["Photograph", PhotographError], None]
"""Is told of a photograph that can't be embedded, and why."""


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
    photographs: Iterable[Photograph],
    *,
    cut: Cut,
    embed: Embed,
    failed: Failed,
    device: torch.device,
    workers: int,
    batch_images: int,
    timeout_s: float,
) -> Generator[Rows, None, None]:
    """Rows of `photographs`, in order, in pieces of `batch_images`; `photographs` is read as far as memory allows.

    Memory holds a few batches whatever the number of photographs. One for which `cut` raises PhotographError, or that
    doesn't become views within `timeout_s`, goes to `failed` in its turn, and the others go on. Raises whatever else
    `cut` raises, DataError when the photographs' disk doesn't answer, BackboneError and StoreError that name the image
    for features that are no numbers, that float16 can't hold, or that are all the same.
    """

    def prepare(photo: Photograph) -> _Cut:
        try:
            return photo, cut(photo)
        except PhotographError as error:  # without its traceback, which would keep the photograph in memory
            return photo, PhotographError(error.what, where=error.where, rule=error.rule, fix=error.fix)

    def late(photo: Photograph) -> _Cut:
        return photo, PhotographError(
            f"reading and cutting the photograph takes longer than {timeout_s:g} s",
            where=str(photo.path),
            rule="embed.timeout_s is the longest time that a photograph is waited for",
            fix="look whether the disk it lies on answers; else leave the photograph out",
        )

    cuts = overlapped(
        prepare, photographs, workers=workers, ahead=2 * batch_images, timeout_s=timeout_s, late=late
    )  # fmt: skip
    try:
        run = _on_cuda if device.type == "cuda" else _on_cpu
        for photos, vectors in run(_readable(cuts, failed), embed, device, batch_images):
            ids = [photo.image_id for photo in photos]
            rows = to_float16(vectors, ids)
            refuse_flat(rows, ids)
            yield Rows(ids, rows)
    finally:
        cuts.close()


_Cut = tuple[Photograph, NDArray[np.uint8] | PhotographError]
_Views = Iterable[tuple[Photograph, NDArray[np.uint8]]]
_Vectors = Iterator[tuple[list[Photograph], NDArray[np.float32]]]


def _readable(cuts: Iterable[_Cut], failed: Failed) -> Iterator[tuple[Photograph, NDArray[np.uint8]]]:
    for photo, views in cuts:
        if isinstance(views, PhotographError):
            failed(photo, views)
        else:
            yield photo, views


def _on_cpu(views: _Views, embed: Embed, device: torch.device, batch_images: int) -> _Vectors:
    for photos, pixels in _batches(views, batch_images):
        inputs = (torch.from_numpy(image[None]).to(device) for image in pixels)
        vectors = [_named(embed, image, photo) for image, photo in zip(inputs, photos, strict=True)]
        yield photos, torch.cat(vectors).numpy()


def _on_cuda(views: _Views, embed: Embed, device: torch.device, batch_images: int) -> _Vectors:
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
            vectors = torch.cat(
                [_named(embed, image[None], photo) for image, photo in zip(pixels, photos, strict=True)]
            )
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


def _named(embed: Embed, views: Tensor, photo: Photograph) -> Tensor:
    """`embed(views)`; what is wrong with the vectors is told with the photograph's name."""
    try:
        return embed(views)
    except BackboneError as error:
        where = f"image {photo.image_id} ({photo.path}), {error.where}"
        raise BackboneError(error.what, where=where, rule=error.rule, fix=error.fix) from error


def _batches(views: _Views, size: int) -> Iterator[tuple[list[Photograph], list[NDArray[np.uint8]]]]:
    photos: list[Photograph] = []
    pixels: list[NDArray[np.uint8]] = []
    for photo, cut in views:
        photos.append(photo)
        pixels.append(cut)
        if len(photos) == size:
            yield photos, pixels
            photos, pixels = [], []
    if photos:
        yield photos, pixels
