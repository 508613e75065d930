"""The stream: rows in order, the same whatever the batch and the workers, and a real vision transformer's too."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torch import Tensor

from roadwork.embed.stream import Photograph, copy_size, embed_stream
from roadwork.errors import PhotographError, StoreError

CPU = torch.device("cpu")


def photographs(count: int) -> list[Photograph]:
    boxes = np.zeros((3, 4), np.int32)
    return [
        Photograph(hashlib.sha256(str(n).encode()).hexdigest(), Path(str(n)), boxes, pixels=1) for n in range(count)
    ]


def cut(photo: Photograph) -> np.ndarray:
    """Three views of 32 px from the photograph's number."""
    generator = np.random.default_rng(int(photo.path.name))
    return generator.integers(0, 256, (3, 32, 32, 3), np.uint8)


def mean_colour(views: Tensor) -> Tensor:
    return views.float().mean(dim=(2, 3))


def run(count: int, embed=mean_colour, cut=cut, workers: int = 2, batch: int = 1, device=CPU):  # type: ignore[no-untyped-def]
    return list(
        embed_stream(photographs(count), cut=cut, embed=embed, device=device, workers=workers, batch_images=batch)
    )


def test_known_answers_in_order() -> None:
    pieces = run(5, batch=2)
    assert [len(piece.image_ids) for piece in pieces] == [2, 2, 1]
    assert [i for piece in pieces for i in piece.image_ids] == [photo.image_id for photo in photographs(5)]
    rows = np.concatenate([piece.embeddings for piece in pieces])
    assert rows.dtype == np.float16
    for number, photo in enumerate(photographs(5)):
        expected = cut(photo).mean(axis=(1, 2), dtype=np.float64)
        np.testing.assert_allclose(rows[number], expected, rtol=1e-3)


def test_the_model_sees_one_photograph_per_call() -> None:
    shapes: list[tuple[int, ...]] = []

    def spy(views: Tensor) -> Tensor:
        shapes.append(tuple(views.shape))
        return mean_colour(views)

    run(7, embed=spy, batch=4)
    assert shapes == [(1, 3, 32, 32, 3)] * 7


@pytest.fixture(scope="module", params=[torch.bfloat16, torch.float32])
def vit(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=2, num_classes=0).eval().to(request.param)

    def embed(views: Tensor) -> Tensor:
        with torch.inference_mode():
            pixels = views.flatten(0, 1).permute(0, 3, 1, 2).to(request.param) / 255
            return model(pixels).float().view(*views.shape[:2], -1)

    return embed


def test_a_real_vit_gives_the_same_bits_for_any_batch_worker_number_and_company(vit) -> None:  # type: ignore[no-untyped-def]
    whole = np.concatenate([piece.embeddings for piece in run(6, embed=vit)])
    assert np.isfinite(whole).all()
    assert np.unique(whole[:, 0, 0]).size > 1
    for batch, workers in ((2, 1), (3, 4), (8, 2)):
        rows = np.concatenate([piece.embeddings for piece in run(6, embed=vit, batch=batch, workers=workers)])
        assert rows.tobytes() == whole.tobytes()
    alone = embed_stream(photographs(6)[4:5], cut=cut, embed=vit, device=CPU, workers=1, batch_images=1)
    assert next(alone).embeddings.tobytes() == whole[4:5].tobytes()


@pytest.mark.parametrize("batch", [1, 2, 4, 100])
def test_photographs_before_a_bad_one_are_delivered_first(batch: int) -> None:
    def fails_at_five(photo: Photograph) -> np.ndarray:
        if photo.path.name == "5":
            raise PhotographError("broken", where="5")
        return cut(photo)

    stream = embed_stream(
        photographs(9), cut=fails_at_five, embed=mean_colour, device=CPU, workers=2, batch_images=batch
    )
    got: list[str] = []
    with pytest.raises(PhotographError, match="broken"):
        got.extend(image_id for piece in stream for image_id in piece.image_ids)
    assert got == [photo.image_id for photo in photographs(5)]


def test_a_value_beyond_float16_names_the_image() -> None:
    with pytest.raises(StoreError, match=photographs(1)[0].image_id):
        run(1, embed=lambda views: mean_colour(views) * 1e4)


def test_leaving_early_ends_the_workers() -> None:
    stream = embed_stream(photographs(50), cut=cut, embed=mean_colour, device=CPU, workers=2, batch_images=1)
    next(stream)
    stream.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_copy_size_is_chosen_by_the_device() -> None:
    assert copy_size("auto", CPU) == 1
    assert copy_size("auto", torch.device("cuda")) == 8
    assert copy_size(5, CPU) == 5


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_the_same_bits_for_any_batch() -> None:
    device = torch.device("cuda")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=2, num_classes=0).eval()
    model = model.to(device, torch.bfloat16)

    def embed(views: Tensor) -> Tensor:
        with torch.inference_mode():
            pixels = views.flatten(0, 1).permute(0, 3, 1, 2).to(torch.bfloat16) / 255
            return model(pixels).float().view(*views.shape[:2], -1)

    rows = [np.concatenate([p.embeddings for p in run(17, embed=embed, batch=b, device=device)]) for b in (1, 4, 8)]
    assert rows[0].tobytes() == rows[1].tobytes() == rows[2].tobytes()
    on_cpu = np.concatenate([piece.embeddings for piece in run(17, embed=lambda v: embed(v.to(device)).cpu())])
    assert rows[0].tobytes() == on_cpu.tobytes()
