"""Views by matrix products against those of the CPU's own way."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from roadwork.views.geometry import view_boxes
from roadwork.views.matrix_resample import cut_views_by_products
from roadwork.views.resample import cut_views


def picture(width: int, height: int) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(0, 6, width), np.linspace(0, 5, height))
    waves = np.stack([np.sin(x * 2 + y), np.cos(y * 3), np.sin(x * y / 3)], axis=2) * 90 + 128
    waves[(np.floor(x * 3) + np.floor(y * 2)) % 3 == 0] += 60
    return waves.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(("width", "height", "size_px"), [(403, 302, 48), (120, 160, 64), (1, 1, 16), (50, 3, 32)])
def test_every_view_agrees_with_the_cpus(width, height, size_px):
    rgb = picture(width, height)
    boxes = view_boxes(width, height, grid=3, overlap=0.25)
    ours = cut_views_by_products(torch.from_numpy(rgb).permute(2, 0, 1), boxes, size_px)
    assert ours.shape == (12, size_px, size_px, 3)
    assert ours.dtype == torch.uint8
    error = ((ours.numpy().astype(float) - cut_views(rgb, boxes, size_px)) ** 2).mean(axis=(1, 2, 3))
    assert (10 * np.log10(255**2 / np.maximum(error, 1e-9)) >= 45).all()


def test_a_view_depends_on_no_other_and_on_nothing_outside_its_box():
    rgb = picture(80, 60)
    planes = torch.from_numpy(rgb).permute(2, 0, 1)
    boxes = np.array([[0, 0, 40, 30], [40, 0, 80, 30], [10, 5, 60, 60]], np.int32)
    together = cut_views_by_products(planes, boxes, 16)
    for index in range(3):
        left, top, right, bottom = boxes[index].tolist()
        alone = cut_views_by_products(planes[:, top:bottom, left:right],
                                      np.array([[0, 0, right - left, bottom - top]], np.int32), 16)  # fmt: skip
        assert (alone[0].int() - together[index].int()).abs().max() <= 1


def test_overshoot_is_clipped_not_wrapped():
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[:, 32:] = 255
    view = cut_views_by_products(torch.from_numpy(rgb).permute(2, 0, 1), np.array([[0, 0, 64, 64]], np.int32), 24)[0]
    assert view[:, :11].max() < 40
    assert view[:, 13:].min() > 215


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_cpu():
    rgb = picture(1613, 1210)
    boxes = view_boxes(1613, 1210, grid=3, overlap=0.25)
    ours = cut_views_by_products(torch.from_numpy(rgb).permute(2, 0, 1).cuda(), boxes, 224).cpu().numpy()
    error = ((ours.astype(float) - cut_views(rgb, boxes, 224)) ** 2).mean(axis=(1, 2, 3))
    assert (10 * np.log10(255**2 / np.maximum(error, 1e-9)) >= 45).all()
