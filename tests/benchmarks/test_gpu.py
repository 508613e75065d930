"""What the GPU rows do, on the CPU: the same functions with a small model."""

from __future__ import annotations

import pytest
import torch

from benchmarks.embedding import COMMITTED
from benchmarks.gpu_clock import Busy
from benchmarks.photographs import photographs_of_files, sample_files
from benchmarks.row import Scale
from benchmarks.rows import gpu
from roadwork.embed.backbone import Backbone, build_backbone
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.views.decoder import CpuDecoder, DeviceDecoder

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    config = BackboneConfig(
        name="vit_small_plus_patch16_dinov3", weights="random", weights_sha256=None, kwargs={"depth": 1}, pool="auto",
        precision="fp32",
    )  # fmt: skip
    return build_backbone(config, size_px=COMMITTED.size_px, seed=1, device="cpu")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return photographs_of_files(sample_files(tmp_path_factory.mktemp("sample"), 2, max_width_px=160))


@pytest.mark.skipif(torch.cuda.is_available(), reason="here they are measured")
def test_without_a_gpu_no_row_has_a_figure():
    rows = gpu.measure(Scale(gpu=True))
    assert [row.figure for row in rows] == [None] * 7
    assert {row.note for row in rows} == {"not measured: no CUDA device"}
    targets = {row.name: row.target.value for row in rows if row.target is not None}
    assert targets == {
        "gpu.model_only": 0.65,
        "gpu.end_to_end_cpu": 0.60,
        "gpu.end_to_end_cuda": 0.60,
        "gpu.views_psnr": 45.0,
        "gpu.embedding_cosine": 0.999,
    }


def test_operations_are_counted_with_attention(backbone):
    """A block of width 384 on 201 tokens: four products of width x width, a SwiGLU of 2 + 1, and attention."""
    counted = gpu.flops_per_image(backbone, views=1)
    block = backbone.module.blocks[0]  # pyright: ignore[reportIndexIssue, reportCallIssue]
    weights = sum(p.numel() for name, p in block.named_parameters() if name.endswith("weight") and p.ndim == 2)
    tokens = (COMMITTED.size_px // 16) ** 2 + 5
    patches = 2 * (tokens - 5) * 384 * 3 * 16 * 16
    expected = 2 * tokens * weights + 2 * 2 * tokens**2 * 384 + patches
    assert counted == pytest.approx(expected, rel=0.01)
    assert gpu.flops_per_image(backbone) == 12 * counted


def test_views_and_features_of_the_gpus_way_agree(backbone, photographs):
    rows = gpu.agreement(photographs, DeviceDecoder(CPU), backbone, COMMITTED.size_px)
    assert [row.met for row in rows] == [True, True]
    assert rows[0].detail["nvjpeg"] is False


def test_views_that_differ_are_not_timed(backbone, photographs):
    class Inverted(CpuDecoder):
        def cut(self, pixels, boxes, size_px):
            return 255 - super().cut(pixels, boxes, size_px)

    rows = gpu.agreement(photographs, Inverted(), backbone, COMMITTED.size_px)
    assert [row.met for row in rows] == [False, False]


def test_shares_are_of_the_ceiling(backbone, photographs):
    ceiling = gpu.matmul_flops_per_s(CPU, side=64, rounds=1)
    assert ceiling > 0
    row = gpu.end_to_end("end_to_end_cuda", photographs, DeviceDecoder(CPU), backbone, ceiling)
    assert row.figure == pytest.approx(row.detail["tflop_per_s"] * 1e12 / ceiling)
    assert 0 <= row.detail["share_of_time_the_model_waits"] < 1
    (row,) = gpu.model_only(backbone, ceiling, rounds=1)
    assert row.figure == pytest.approx(row.detail["share_1_photographs_per_call"])


def test_time_outside_the_calls_is_waiting():
    busy = Busy(lambda views: views, CPU)
    busy(torch.zeros(1))
    assert 0 <= busy.seconds < 0.5
