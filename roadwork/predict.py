"""From photographs to probabilities with a trained bundle, from the pixels alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from roadwork.bundle.load import Bundle, load_bundle
from roadwork.bundle.match import build_matching_backbone
from roadwork.data.sources.walk import files_below, is_image_name
from roadwork.device import resolve_device
from roadwork.embed.backbone import embed_views
from roadwork.embed.decode_workers import overlapped, worker_count
from roadwork.embed.half import to_float16
from roadwork.errors import PhotographError
from roadwork.evaluate.ensemble import mean_margin
from roadwork.model.metadata import Metadata
from roadwork.progress import progress
from roadwork.train.features import FeatureTable
from roadwork.views.decode import decode_rgb
from roadwork.views.geometry import ViewsConfig, view_boxes
from roadwork.views.resample import cut_views

MAX_PIXELS = 200_000_000
"""Larger photographs are refused before memory is taken, unless the caller says otherwise."""

_AHEAD = 2


@dataclass(frozen=True)
class Prediction:
    """What the bundle says of one photograph; `roadwork` is whether the probability is at least 0.5."""

    path: Path
    probability: float
    roadwork: bool


@dataclass(frozen=True)
class Predictions:
    """The photographs that could be read, in order, and an error for each that couldn't."""

    predictions: list[Prediction]
    failures: list[PhotographError]


def predict(
    photographs: Sequence[Path],
    bundle: Path,
    *,
    params: Path | None = None,
    weights: Path | None = None,
    device: str = "auto",
    max_pixels: int = MAX_PIXELS,
) -> Predictions:
    """The probability of roadwork of each of `photographs`; folders stand for the images below them, sorted.

    A photograph takes the route of training: 12 views, the backbone, float16, the members with metadata hidden, the
    mean of their margins, the bundle's `image_only` calibration. What one photograph gets depends on no other.

    `params`: a project's parameter file whose `backbone` and `views` must agree with the bundle. `weights`: the
    backbone's weights file, where the bundle's own can't be found. Photographs that can't be read are reported, and the
    others predicted.

    Raises BundleError (missing, damaged, or not fitting backbone and views), BackboneError, CapabilityError.
    """
    loaded = load_bundle(bundle)
    files, failures = _files(photographs)
    chosen = resolve_device(device, parameter="--device")
    if not files:
        return Predictions([], failures)
    backbone = build_matching_backbone(loaded.description, bundle, params=params, weights=weights, device=chosen)
    cut = _view_cutter(loaded.description.views, max_pixels)
    read: list[Path] = []
    rows: list[NDArray[np.float16]] = []
    with progress("predicting", len(files), "photographs") as advance:
        for path, views in overlapped(cut, files, workers=worker_count("auto"), ahead=_AHEAD):
            if isinstance(views, PhotographError):
                failures.append(views)
            else:
                vectors = embed_views(backbone, torch.from_numpy(views[None])).cpu().numpy()
                rows.append(to_float16(vectors, [str(path)]))
                read.append(path)
            advance()
    if not read:
        return Predictions([], failures)
    probabilities = _probabilities(loaded, np.concatenate(rows), chosen)
    found = [
        Prediction(path, float(probability), bool(probability >= 0.5))
        for path, probability in zip(read, probabilities, strict=True)
    ]
    return Predictions(found, failures)


def _files(photographs: Sequence[Path]) -> tuple[list[Path], list[PhotographError]]:
    """The files to read, and an error for each argument that leads to none."""
    files: list[Path] = []
    failures: list[PhotographError] = []
    for path in photographs:
        if path.is_dir():
            images = [file for file in files_below(path) if is_image_name(file)]
            if not images:
                failures.append(PhotographError("no photograph in this folder", where=str(path), fix="name another"))
            files += images
        elif path.is_file():
            files.append(path)
        else:
            failures.append(PhotographError("there is no such photograph", where=str(path), fix="check the path"))
    return files, failures


def _view_cutter(
    config: ViewsConfig, max_pixels: int
) -> Callable[[Path], tuple[Path, NDArray[np.uint8] | PhotographError]]:
    def cut(path: Path) -> tuple[Path, NDArray[np.uint8] | PhotographError]:
        try:
            rgb = decode_rgb(path, max_pixels=max_pixels)
        except PhotographError as error:
            return path, error
        height_px, width_px = rgb.shape[:2]
        boxes = view_boxes(width_px, height_px, grid=config.grid, overlap=config.overlap)
        return path, cut_views(rgb, boxes, config.size_px)

    return cut


def _probabilities(bundle: Bundle, embeddings: NDArray[np.float16], device: torch.device) -> NDArray[np.float64]:
    """Probability of each row of `embeddings [image view dim]`, nothing else being known."""
    images = len(embeddings)
    table = FeatureTable(
        image_ids=[str(row) for row in range(images)],
        embeddings=torch.from_numpy(embeddings),
        metadata=Metadata.null(images, bundle.description.spec.metadata),
        labels=torch.full((images,), -1),
        split=np.full(images, ""),
        block=np.arange(images, dtype=np.int32),
        roles=np.empty((images, 0), dtype=np.str_),
        fingerprint=bundle.description.feature_fingerprint,
    )
    margins = mean_margin([member(table, True) for member in bundle.members(device)])
    return bundle.description.calibrations.image_only.probabilities(margins)
