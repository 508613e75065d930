"""Photographs in, float16 rows out: decoding, copying and computing overlap.

The model is called with the views of exactly one photograph each time. A matrix product may round differently when
its number of rows changes, so larger or varying calls would let a result depend on its neighbours; and one photograph
is work enough (12 views of 512 px through ViT-H+ are 23 TFLOP). `batch_images` groups photographs for the copy only.

On the CPU decoding and the model share the cores, so no core may wait for another: each of several threads takes a
whole photograph through the model by itself. Threads that work on one matrix product together would stand still
whenever a decoder held one of them up.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadwork.embed.cpu_threads import cpu_threads
from roadwork.embed.decode_workers import overlapped
from roadwork.embed.half import refuse_flat, to_float16
from roadwork.embed.photograph import Photograph
from roadwork.errors import BackboneError, PhotographError

T = TypeVar("T")

_LONGEST_PRODUCT_S = 10.0
"""A stream that ends early waits this long for the model's threads, which can't be stopped within a product."""

Views = NDArray[np.uint8] | Tensor
"""A photograph's views, uint8 `[view size size 3]`: in memory, or already on the device and finished there."""
Cut = Callable[[Photograph], Views]
"""Reads, decodes and cuts one photograph; several threads call it."""
Embed = Callable[[Tensor], Tensor]
"""uint8 views `[image view size size 3]` on the device -> float32 `[image view dim]` on the device; on the CPU several
threads call it."""
Failed = Callable[[Photograph, PhotographError], None]
"""Is told of a photograph that can't be embedded, and why."""


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
    run = _on_cuda(embed, device, batch_images) if device.type == "cuda" else _on_cpu(embed, batch_images)
    with closing(cuts), closing(run(_readable(cuts, failed))) as pieces:
        for photos, vectors in pieces:
            ids = [photo.image_id for photo in photos]
            rows = to_float16(vectors, ids)
            refuse_flat(rows, ids)
            yield Rows(ids, rows)


_Cut = tuple[Photograph, Views | PhotographError]
_Views = Iterable[tuple[Photograph, Views]]
_Vectors = Generator[tuple[list[Photograph], NDArray[np.float32]], None, None]


def _readable(cuts: Iterable[_Cut], failed: Failed) -> Iterator[tuple[Photograph, Views]]:
    for photo, views in cuts:
        if isinstance(views, PhotographError):
            failed(photo, views)
        else:
            yield photo, views


def _on_cpu(embed: Embed, batch_images: int) -> Callable[[_Views], _Vectors]:
    """Several photographs at a time, each through the model in a thread of its own."""

    def compute(item: tuple[Photograph, Views]) -> tuple[Photograph, Tensor]:
        photo, views = item
        return photo, _named(embed, torch.as_tensor(views)[None], photo)

    def run(views: _Views) -> _Vectors:
        with cpu_threads() as at_once:
            # As many again wait, so that no thread has to while the first in order is not yet done.
            computed = overlapped(compute, views, workers=at_once, ahead=at_once, farewell_s=_LONGEST_PRODUCT_S)
            with closing(computed):
                for photos, vectors in _batches(computed, batch_images):
                    yield photos, torch.cat(vectors).numpy()

    return run


def _on_cuda(embed: Embed, device: torch.device, batch_images: int) -> Callable[[_Views], _Vectors]:
    """Copies run on a side stream from pinned memory; the CPU prepares a batch while the GPU computes the last."""

    def run(views: _Views) -> _Vectors:
        side = torch.cuda.Stream(device)
        with torch.cuda.device(device):
            compute = torch.cuda.current_stream(device)
            launched: tuple[list[Photograph], Tensor, torch.cuda.Event] | None = None
            for photos, cuts in _batches(views, batch_images):
                pixels = _on_device(cuts, device, side, compute)
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

    return run


def _on_device(
    cuts: list[Views], device: torch.device, side: torch.cuda.Stream, compute: torch.cuda.Stream
) -> list[Tensor]:
    """The views of each photograph on `device`, for `compute` to read; those in memory are copied there together."""
    there = [cut for cut in cuts if isinstance(cut, Tensor)]
    if len(there) < len(cuts):
        pinned = torch.empty((len(cuts), *cuts[0].shape), dtype=torch.uint8, pin_memory=True)
        for place, cut in zip(pinned, cuts, strict=True):
            place.copy_(torch.as_tensor(cut))
        with torch.cuda.stream(side):
            there = list(pinned.to(device, non_blocking=True))
        compute.wait_stream(side)
    for pixels in there:
        pixels.record_stream(compute)  # else the stream they were made on could reuse their memory while it is read
    return there


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


def _batches(items: Iterable[tuple[Photograph, T]], size: int) -> Iterator[tuple[list[Photograph], list[T]]]:
    photos: list[Photograph] = []
    values: list[T] = []
    for photo, value in items:
        photos.append(photo)
        values.append(value)
        if len(photos) == size:
            yield photos, values
            photos, values = [], []
    if photos:
        yield photos, values
