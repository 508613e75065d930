"""The four validation tests of the design, on real data: shapes, null metadata, sampling, views.

Each returns a Finding instead of raising, so that one look shows all four.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from roadwork.model.head import CLASSES
from roadwork.model.head_config import HeadSpec
from roadwork.model.metadata import CATEGORIES, Metadata
from roadwork.storage.place import Place
from roadwork.train.features import FeatureTable
from roadwork.train.pretrain import fresh_head
from roadwork.views.decode import decode_rgb
from roadwork.views.geometry import ViewsConfig, view_boxes
from roadwork.views.resample import cut_views

_PHOTOGRAPH_PX = (4032, 3024)
_BATCH = 16


@dataclass(frozen=True)
class Finding:
    """One test: its name, whether it passed, and what was seen."""

    name: str
    passed: bool
    detail: str


def check_shapes(table: FeatureTable, spec: HeadSpec, seed: int) -> Finding:
    """Real rows through an untrained head: every output has the shape that the figure gives, and is finite."""
    batch = table.rows(np.arange(min(_BATCH, len(table))))
    with torch.inference_mode():
        output = fresh_head(spec, seed).eval()(_all_of(batch), batch.metadata)
    images, tokens = len(batch), spec.tokens
    expected = {
        "logits": (images, CLASSES),
        "view_logits": (images, tokens, CLASSES),
        "weather_logits": (images, spec.metadata.null_index("weather") + 1),
        "kept": (images, tokens),
        "gates": (images, tokens),
    }
    seen = {name: tuple(getattr(output, name).shape) for name in expected}
    finite = all(bool(torch.isfinite(value).all()) for value in output if value.is_floating_point())
    shown = ", ".join(f"{name} {list(shape)}" for name, shape in seen.items())
    entry = f"embeddings {list(batch.embeddings.shape)} → {shown}"
    return Finding("shapes", seen == expected and finite, entry if finite else f"{entry}; not all finite")


def check_null_metadata(table: FeatureTable, spec: HeadSpec, seed: int) -> Finding:
    """Real rows whose whole metadata is hidden: finite logits, and gradients in every NULL vector that is in use."""
    batch = table.rows(np.arange(min(_BATCH, len(table))))
    head = fresh_head(spec, seed).train()
    output = head(_all_of(batch), Metadata.null(len(batch), spec.metadata))
    output.logits.square().sum().backward()
    norms = {}
    if head.metadata.gps is not None:
        norms["gps"] = _norm(head.metadata.gps.absent.grad)
    for name in CATEGORIES:
        if name in spec.metadata.fields:
            embedding = head.metadata.categories[name]
            assert isinstance(embedding, torch.nn.Embedding)  # nosec B101  # tells the type checker, checks no input
            norms[name] = _norm(None if embedding.weight.grad is None else embedding.weight.grad[-1])
    finite = bool(torch.isfinite(output.logits).all())
    shown = ", ".join(f"{name} {norm:.2g}" for name, norm in norms.items()) or "no field in use"
    detail = f"logits {'finite' if finite else 'NOT finite'}; gradient norms at NULL: {shown}"
    return Finding("null metadata", finite and all(0 < norm < float("inf") for norm in norms.values()), detail)


def check_sampling(
    weights: NDArray[np.float64], distance_km: NDArray[np.float64], *, near_km: float, target_share: float
) -> Finding:
    """The share of weighted draws within `near_km` of a reference centre, in expectation, reaches `target_share`.

    `weights` and `distance_km` are [image]; images without GPS (NaN) are left out of the share.
    """
    known = np.isfinite(distance_km)
    if not known.any():
        return Finding("sampling", False, "no training image has GPS: set sampling.enabled: false")
    drawn = weights[known] / weights[known].sum()
    share = float(drawn[distance_km[known] <= near_km].sum())
    plain = float((distance_km[known] <= near_km).mean())
    detail = f"{share:.1%} of draws within {near_km:g} km of a reference centre (uniform: {plain:.1%})"
    return Finding("sampling", share >= target_share, f"{detail}, target {target_share:.0%}")


def check_views(photograph: Place, size_px: tuple[int, int], config: ViewsConfig, max_pixels: int) -> Finding:
    """A real photograph, 4032×3024 where the data has one: as many views as there should be, each where it should be.

    The boxes are held against properties that don't use the geometry's own formula: the first is the whole image, the
    tiles cover every pixel, the last two are the largest squares at the centre and at the edge.
    """
    rgb = decode_rgb(photograph, max_pixels=max_pixels)
    height_px, width_px = rgb.shape[:2]
    boxes = view_boxes(width_px, height_px, grid=config.grid, overlap=config.overlap)
    views = cut_views(rgb, boxes, config.size_px)
    covered = np.zeros((height_px, width_px), dtype=bool)
    for left, top, right, bottom in boxes[1:-2]:
        covered[top:bottom, left:right] = True
    side = min(width_px, height_px)
    left, top = (width_px - side) // 2, (height_px - side) // 2
    edge = [width_px - side, height_px - side, width_px, height_px]
    faults = [
        name
        for name, holds in {
            "the manifest's size is the photograph's": (width_px, height_px) == size_px,
            f"{config.grid**2 + 3} views": len(views) == config.grid**2 + 3,
            "view 1 is the whole image": boxes[0].tolist() == [0, 0, width_px, height_px],
            "the tiles cover every pixel": bool(covered.all()),
            "the centre square": np.abs(boxes[-2] - [left, top, left + side, top + side]).max() <= 1,
            "the edge square": boxes[-1].tolist() == edge,
            "the views' shape": views.shape[1:] == (config.size_px, config.size_px, 3),
        }.items()
        if not holds
    ]
    real = "" if {width_px, height_px} == set(_PHOTOGRAPH_PX) else " (the data has no 4032×3024 photograph)"
    detail = f"{photograph.name}, {width_px}×{height_px}{real}: {len(views)} views {list(views.shape)}"
    return Finding("views", not faults, detail + (f"; wrong: {', '.join(faults)}" if faults else ""))


def _all_of(batch: FeatureTable) -> torch.Tensor:
    return batch.embeddings.gather(torch.arange(len(batch)))


def _norm(gradient: torch.Tensor | None) -> float:
    return 0.0 if gradient is None else float(gradient.norm())
