"""The production path on a GPU: the whole H+ at 512 px in bf16, against what this very GPU can multiply."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.embedding import PARAMS, embed_files
from benchmarks.exact_lanczos import psnr_db
from benchmarks.gpu_clock import Busy, finish
from benchmarks.pairs import seconds_of
from benchmarks.photographs import camera_files, photographs_of_files, sample_files
from benchmarks.row import Row, Scale, Target, UnequalError
from roadwork.config import load_section
from roadwork.embed.backbone import Backbone, build_backbone, embed_views
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.photograph import Photograph
from roadwork.embed.view_cutter import view_cutter
from roadwork.views.decoder import CpuDecoder, Decoder, DeviceDecoder
from roadwork.views.device_decode import has_nvjpeg

_MIN_PSNR_DB, _MIN_COSINE = 45.0, 0.999
_MIN_MODEL_SHARE, _MIN_END_TO_END_SHARE = 0.65, 0.60
_NO_GPU = "not measured: no CUDA device"
_ROWS = {
    "matmul_ceiling": ("bf16 product of two 8192² matrices: what every share below is of", "TFLOP/s", None),
    "model_only": ("H+ at 512 px, views already on the GPU", "of the measured ceiling", _MIN_MODEL_SHARE),
    "compile": ("torch.compile of the backbone against eager", "× eager's speed", None),
    "end_to_end_cpu": ("JPEG files → features, cut on the CPU", "of the measured ceiling", _MIN_END_TO_END_SHARE),
    "end_to_end_cuda": ("JPEG files → features, cut on the GPU", "of the measured ceiling", _MIN_END_TO_END_SHARE),
    "views_psnr": ("least PSNR of a view cut on the GPU against the CPU's", "dB", _MIN_PSNR_DB),
    "embedding_cosine": ("least cosine of the features of both views", "cosine", _MIN_COSINE),
}


def measure(scale: Scale) -> list[Row]:
    """All rows; where there is no CUDA device none has a figure."""
    if not torch.cuda.is_available():
        return [row(name, None, note=_NO_GPU) for name in _ROWS]
    device, size_px = torch.device("cuda"), scale.of(512, 224)
    ceiling = matmul_flops_per_s(device, side=8192, rounds=scale.of(20, 3))
    backbone = production_backbone(device, size_px, kwargs={} if not scale.quick else {"depth": 2})
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "large").mkdir()
        large = photographs_of_files(camera_files(Path(folder) / "large", scale.of(192, 8)))
        mixture = photographs_of_files(sample_files(Path(folder), 24))
        check = [*large[:1], *mixture]
        rows = [row("matmul_ceiling", ceiling / 1e12)]
        rows += model_only(backbone, ceiling, rounds=scale.of(10, 2))
        agreed = agreement(check, DeviceDecoder(device), backbone, size_px)
        rows += agreed
        for name, decoder in (("cpu", CpuDecoder()), ("cuda", DeviceDecoder(device))):
            if name == "cuda" and not all(each.met for each in agreed):
                rows.append(row("end_to_end_cuda", None, note="not measured: its views aren't the CPU's"))
            else:
                rows.append(end_to_end(f"end_to_end_{name}", large, decoder, backbone, ceiling))
        rows.append(_compiled(backbone, device, size_px, scale))
    return rows


def row(name: str, figure: float | None, *, note: str = "", detail: dict[str, object] | None = None) -> Row:
    """The row `name` of `_ROWS`."""
    what, unit, least = _ROWS[name]
    return Row(
        name=f"gpu.{name}",
        what=what,
        figure=figure,
        unit=unit,
        target=None if least is None else Target("at least", least),
        limit="the tensor cores' own rate on large products" if "ceiling" in unit else "",
        note=note,
        detail=detail or {},
    )


def production_backbone(
    device: torch.device, size_px: int, *, kwargs: dict[str, object], compile: bool = False
) -> Backbone:
    """The committed architecture with `kwargs`, random weights, on `device`."""
    config = load_section(PARAMS, "backbone", BackboneConfig).model_copy(update={"weights": "random", "kwargs": kwargs})
    return build_backbone(config, size_px=size_px, seed=17, device=device, compile=compile)


def matmul_flops_per_s(device: torch.device, *, side: int, rounds: int) -> float:
    """Operations per second of a bf16 product of random matrices; zeros would be faster than real data."""
    a, b = (torch.randn(side, side, device=device).bfloat16() for _ in range(2))

    def multiply() -> None:
        for _ in range(4):
            torch.mm(a, b)
        finish(device)

    return 4 * 2 * side**3 / seconds_of(multiply, rounds=rounds)


def flops_per_image(backbone: Backbone, views: int = 12) -> int:
    """Operations of one photograph's views; a multiplication and an addition are two.

    Counted with attention written out as products, since the fused kernels of some devices aren't counted.
    """
    pixels = torch.zeros(1, 1, backbone.size_px, backbone.size_px, 3, dtype=torch.uint8)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        embed_views(backbone, pixels)
    return views * counter.get_total_flops()


def agreement(photographs: list[Photograph], other: Decoder, backbone: Backbone, size_px: int) -> list[Row]:
    """How near the views of `other`, and their features, are to the CPU's. What isn't near enough isn't timed."""
    least_db, least_cosine = np.inf, 1.0
    for photo in photographs:
        pixels = np.asarray(view_cutter(CpuDecoder(), size_px)(photo))
        ours = torch.as_tensor(view_cutter(other, size_px)(photo))
        least_db = min(least_db, float(psnr_db(ours.cpu().numpy(), pixels).min()))
        expected, found = (embed_views(backbone, each[None]).cpu() for each in (torch.from_numpy(pixels), ours))
        least_cosine = min(least_cosine, float(torch.nn.functional.cosine_similarity(expected, found, dim=-1).min()))
    detail: dict[str, object] = {"photographs": len(photographs), "nvjpeg": has_nvjpeg(backbone.device)}
    return [row("views_psnr", least_db, detail=detail), row("embedding_cosine", least_cosine, detail=detail)]


def model_only(backbone: Backbone, ceiling: float, *, rounds: int) -> list[Row]:
    """The share of the ceiling with one photograph per call, as the stage calls it, and in detail with more."""
    flops, shares = flops_per_image(backbone), {}
    for images in (1, 4, 8):
        shares[images] = images * flops / _call_s(backbone, images, rounds) / ceiling
    detail: dict[str, object] = {f"share_{images}_photographs_per_call": share for images, share in shares.items()}
    detail |= {"tflop_per_s": shares[1] * ceiling / 1e12, "tflop_per_image": flops / 1e12}
    return [row("model_only", shares[1], detail=detail)]


def end_to_end(name: str, photographs: list[Photograph], decoder: Decoder, backbone: Backbone, ceiling: float) -> Row:
    """`embed_images` from files to store; the first, shorter run warms up."""
    device, size_px = backbone.device, backbone.size_px
    run: Callable[[list[Photograph], Callable[[Tensor], Tensor]], NDArray[np.float16]] = partial(
        embed_files, decoder=decoder, device=device, size_px=size_px
    )
    run(photographs[:8], partial(embed_views, backbone))
    busy = Busy(partial(embed_views, backbone), device)
    finish(device)
    start = time.perf_counter()
    run(photographs, busy)
    seconds = time.perf_counter() - start
    flops = flops_per_image(backbone)
    detail: dict[str, object] = {
        "images_per_s": len(photographs) / seconds,
        "tflop_per_s": len(photographs) * flops / seconds / 1e12,
        "share_of_time_the_model_waits": max(0.0, 1 - busy.seconds / seconds),
        "images": len(photographs),
    }
    return row(name, len(photographs) * flops / seconds / ceiling, detail=detail)


def _compiled(eager: Backbone, device: torch.device, size_px: int, scale: Scale) -> Row:
    compiled = production_backbone(device, size_px, kwargs=eager.kwargs, compile=True)
    views = torch.randint(0, 256, (1, 12, size_px, size_px, 3), dtype=torch.uint8, device=device)
    plain, fused = embed_views(eager, views), embed_views(compiled, views)
    cosine = torch.nn.functional.cosine_similarity(plain, fused, dim=-1).min()
    if not cosine >= _MIN_COSINE:
        raise UnequalError(f"compiled features have the cosine {float(cosine):.5f} to eager ones")
    rounds = scale.of(10, 2)
    ratios = [_call_s(eager, 1, rounds) / _call_s(compiled, 1, rounds) for _ in range(3)]
    return row("compile", statistics.median(ratios), detail={"least_cosine": float(cosine)})


def _call_s(backbone: Backbone, images: int, rounds: int) -> float:
    size_px, device = backbone.size_px, backbone.device
    views = torch.randint(0, 256, (images, 12, size_px, size_px, 3), dtype=torch.uint8, device=device)

    def call() -> None:
        embed_views(backbone, views)
        finish(device)

    return seconds_of(call, rounds=rounds)
