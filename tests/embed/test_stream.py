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

from roadwork.embed.photograph import Photograph
from roadwork.embed.stream import copy_size, embed_stream
from roadwork.errors import BackboneError, PhotographError, StoreError

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


def never(photo: Photograph, error: PhotographError) -> None:
    raise AssertionError(photo, error)


def start(photos, embed=mean_colour, cut=cut, workers: int = 2, batch: int = 1, device=CPU, failed=never, **settings):  # type: ignore[no-untyped-def]
    settings = {"timeout_s": 300, **settings}
    return embed_stream(
        photos, cut=cut, embed=embed, failed=failed, device=device, workers=workers, batch_images=batch, **settings
    )


def run(count: int, **settings):  # type: ignore[no-untyped-def]
    return list(start(photographs(count), **settings))


@pytest.fixture
def use_threads():  # type: ignore[no-untyped-def]
    """Sets how many threads PyTorch may use, for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


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
    alone = start(photographs(6)[4:5], embed=vit, workers=1)
    assert next(alone).embeddings.tobytes() == whole[4:5].tobytes()


def test_a_real_vit_gives_the_same_bits_on_any_number_of_cores(vit, use_threads) -> None:  # type: ignore[no-untyped-def]
    found = set()
    for cores in (1, 2, 5):
        use_threads(cores)
        found.add(np.concatenate([piece.embeddings for piece in run(6, embed=vit)]).tobytes())
    assert len(found) == 1


def test_each_core_takes_a_photograph_of_its_own_through_the_model(use_threads) -> None:  # type: ignore[no-untyped-def]
    use_threads(3)
    together = threading.Barrier(3, timeout=60)
    cores = []

    def meet(views: Tensor) -> Tensor:
        together.wait()
        cores.append(torch.get_num_threads())
        return mean_colour(views)

    run(6, embed=meet)
    assert cores == [1] * 6
    assert torch.get_num_threads() == 3  # as it was


def test_views_may_come_as_tensors() -> None:
    plain = np.concatenate([piece.embeddings for piece in run(3)])
    rows = np.concatenate([piece.embeddings for piece in run(3, cut=lambda photo: torch.from_numpy(cut(photo)))])
    assert rows.tobytes() == plain.tobytes()


@pytest.mark.parametrize("batch", [1, 2, 4, 100])
def test_bad_photographs_are_told_and_the_others_go_on(batch: int) -> None:
    def fails(photo: Photograph) -> np.ndarray:
        if photo.path.name in ("0", "5", "6"):
            raise PhotographError("broken", where=photo.path.name, rule="whole", fix="mend it")
        return cut(photo)

    failures: list[tuple[str, PhotographError]] = []
    pieces = run(9, cut=fails, batch=batch, failed=lambda photo, error: failures.append((photo.image_id, error)))
    ids = [photo.image_id for photo in photographs(9)]
    assert [i for piece in pieces for i in piece.image_ids] == [i for n, i in enumerate(ids) if n not in (0, 5, 6)]
    assert [image_id for image_id, _ in failures] == [ids[0], ids[5], ids[6]]
    error = failures[1][1]
    assert (error.what, error.where, error.rule, error.fix) == ("broken", "5", "whole", "mend it")
    assert error.__traceback__ is None  # its frames would keep the photograph's bytes
    assert error.__context__ is None


def test_the_photographs_beside_a_bad_one_keep_their_bits() -> None:
    def fails(photo: Photograph) -> np.ndarray:
        if photo.path.name == "2":
            raise PhotographError("broken")
        return cut(photo)

    whole = np.concatenate([piece.embeddings for piece in run(5, batch=2)])
    rest = np.concatenate([piece.embeddings for piece in run(5, batch=2, cut=fails, failed=lambda *_: None)])
    assert rest.tobytes() == np.delete(whole, 2, axis=0).tobytes()


@pytest.mark.parametrize("workers", [1, 5])
def test_a_photograph_that_never_ends_is_told_and_the_others_go_on(workers: int) -> None:
    release = threading.Event()

    def stalls(photo: Photograph) -> np.ndarray:
        if photo.path.name in ("1", "4"):
            release.wait(120)
        return cut(photo)

    failures: dict[str, PhotographError] = {}
    try:
        pieces = run(
            9, cut=stalls, workers=workers, timeout_s=1, failed=lambda p, error: failures.update({p.path.name: error})
        )
    finally:
        release.set()
    assert sorted(failures) == ["1", "4"]
    assert "takes longer than 1 s" in failures["1"].what
    assert failures["1"].where == "1"
    assert "embed.timeout_s" in failures["1"].rule
    assert sum(len(piece.image_ids) for piece in pieces) == 7


def test_a_fault_that_is_no_photographs_ends_the_stream() -> None:
    def runs_out(photo: Photograph) -> np.ndarray:
        if photo.path.name == "5":
            raise StoreError("no space left")
        return cut(photo)

    got = 0
    with pytest.raises(StoreError, match="no space left"):
        for piece in start(photographs(9), cut=runs_out):
            got += len(piece.image_ids)
    assert got == 5


def test_photographs_are_asked_for_as_they_are_needed(use_threads) -> None:  # type: ignore[no-untyped-def]
    asked = 0

    def lazily():  # type: ignore[no-untyped-def]
        nonlocal asked
        for photo in photographs(50):
            asked += 1
            yield photo

    for threads in (1, 3):
        use_threads(threads)
        asked = 0
        stream = start(lazily(), workers=2, batch=1)
        next(stream)
        assert asked <= 1 + (2 + 2) + 2 * threads  # taken, decoded or under way, in the model or before it
        stream.close()


def test_a_backbone_that_gives_no_numbers_names_the_image() -> None:
    def broken(views: Tensor) -> Tensor:
        raise BackboneError("3 of 3 vectors hold NaN or infinity", where="backbone tiny", fix="use fp32")

    with pytest.raises(BackboneError, match=photographs(1)[0].image_id) as caught:
        run(1, embed=broken)
    assert "backbone tiny" in caught.value.where
    with pytest.raises(StoreError, match=photographs(1)[0].image_id):
        run(1, embed=lambda views: mean_colour(views) * float("nan"))


def test_a_silent_row_names_the_image() -> None:
    with pytest.raises(StoreError, match="says nothing") as caught:
        run(1, embed=lambda views: mean_colour(views) * 0)
    assert photographs(1)[0].image_id in caught.value.where


def test_a_value_beyond_float16_names_the_image() -> None:
    with pytest.raises(StoreError, match=photographs(1)[0].image_id):
        run(1, embed=lambda views: mean_colour(views) * 1e4)


def test_leaving_early_ends_the_workers() -> None:
    stream = start(photographs(50))
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
    cut_there = np.concatenate(
        [
            p.embeddings
            for p in run(17, embed=embed, batch=4, device=device, cut=lambda p: torch.tensor(cut(p)).to(device))
        ]
    )
    assert rows[0].tobytes() == cut_there.tobytes()
