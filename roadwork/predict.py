"""From photographs to probabilities, and their evidence, with a trained bundle, from the pixels alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

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
from roadwork.evidence.evidence import Evidence, find_evidence
from roadwork.evidence.view import ViewEvidence
from roadwork.model.metadata import Metadata
from roadwork.progress import note, progress
from roadwork.train.features import FeatureTable
from roadwork.views.decode import decode_rgb
from roadwork.views.geometry import ViewsConfig, view_boxes, view_names
from roadwork.views.resample import cut_views

MAX_PIXELS = 200_000_000
"""Larger photographs are refused before memory is taken, unless the caller says otherwise."""

OVERLAY_SUFFIX = ".overlay.jpg"
"""How the names of overlays end; a folder stands for its images without these."""

_AHEAD = 2


@dataclass(frozen=True)
class Prediction:
    """What the bundle says of one photograph; `roadwork` is whether the probability is at least 0.5.

    `views` is the evidence of each view, `boxes [view 4]` where it lies in pixels of the upright photograph: left, top,
    right, bottom.
    """

    path: Path
    probability: float
    roadwork: bool
    views: tuple[ViewEvidence, ...]
    boxes: NDArray[np.int32]


def predict_each(
    photographs: Sequence[Path],
    bundle: Path,
    *,
    params: Path | None = None,
    weights: Path | None = None,
    device: str = "auto",
    max_pixels: int = MAX_PIXELS,
    bar: bool = True,
) -> Generator[Prediction | PhotographError, None, None]:
    """The probability of roadwork of each of `photographs`, one after the other, each as soon as it is known.

    Folders stand for the images below them, sorted, overlays left out. A photograph that is named twice is predicted
    once, where it was named first. One that can't be read yields its error, and the others go on; arguments that lead
    to no photograph come first.

    A photograph takes the route of training: 12 views, the backbone, float16, the members with metadata hidden, the
    mean of their margins, the bundle's `image_only` calibration. Each is judged alone, so what it gets is the same in
    any company.

    The evidence of a view is what the members together make of it: the mean of their gates, the share of them that kept
    it, the mean of the logits of those, and how the probability falls when every member has to do without the view.

    `params`: a project's parameter file whose `backbone` and `views` must agree with the bundle. `weights`: the
    backbone's weights file, where the bundle's own can't be found. `bar`: whether to tell how far it is.

    Raises BundleError (missing, damaged, or not fitting backbone and views), BackboneError, CapabilityError.
    """
    loaded = load_bundle(bundle)
    files, failures = _files(photographs)
    chosen = resolve_device(device, parameter="--device")
    yield from failures
    if not files:
        return
    backbone = build_matching_backbone(loaded.description, bundle, params=params, weights=weights, device=chosen)
    names = view_names(loaded.description.views.grid)
    cut = _view_cutter(loaded.description.views, max_pixels)
    with progress("predicting", len(files), "photographs") if bar else nullcontext() as advance:
        for photo in overlapped(cut, files, workers=worker_count("auto"), ahead=_AHEAD):
            if isinstance(photo, PhotographError):
                yield photo
            else:
                vectors = embed_views(backbone, torch.from_numpy(photo.views[None])).cpu().numpy()
                evidence = _evidence(loaded, to_float16(vectors, [str(photo.path)]), chosen)
                probability = float(evidence.probabilities[0])
                yield Prediction(photo.path, probability, probability >= 0.5, evidence.views(0, names), photo.boxes)
            if advance is not None:
                advance()


def _files(photographs: Sequence[Path]) -> tuple[list[Path], list[PhotographError]]:
    """The files to read, each once, and an error for each argument that leads to none."""
    files: dict[Path, Path] = {}
    failures: list[PhotographError] = []
    overlays = 0
    for path in dict.fromkeys(photographs):
        if path.is_dir():
            images = [file for file in files_below(path) if is_image_name(file)]
            own = [file for file in images if not file.name.endswith(OVERLAY_SUFFIX)]
            overlays += len(images) - len(own)
            if not own:
                failures.append(PhotographError("no photograph in this folder", where=str(path), fix="name another"))
            for file in own:
                files.setdefault(_place(file), file)
        elif path.is_file():
            files.setdefault(_place(path), path)
        else:
            failures.append(PhotographError("there is no such photograph", where=str(path), fix="check the path"))
    if overlays:
        note(f"{overlays} of the images in these folders are overlays (*{OVERLAY_SUFFIX}): left out")
    return list(files.values()), failures


def _place(file: Path) -> Path:
    """One and the same however the way to `file` is written; two links to one photograph remain two."""
    return Path(os.path.realpath(file.parent), file.name)


class _Cut(NamedTuple):
    """A photograph's views `[view size size 3]` and where they lie."""

    path: Path
    views: NDArray[np.uint8]
    boxes: NDArray[np.int32]


def _view_cutter(config: ViewsConfig, max_pixels: int) -> Callable[[Path], _Cut | PhotographError]:
    def cut(path: Path) -> _Cut | PhotographError:
        try:
            rgb = decode_rgb(path, max_pixels=max_pixels)
        except PhotographError as error:
            return error
        height_px, width_px = rgb.shape[:2]
        boxes = view_boxes(width_px, height_px, grid=config.grid, overlap=config.overlap)
        return _Cut(path, cut_views(rgb, boxes, config.size_px), boxes)

    return cut


def _evidence(bundle: Bundle, embeddings: NDArray[np.float16], device: torch.device) -> Evidence:
    """The evidence of each row of `embeddings [image view dim]`, nothing else being known."""
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
    calibration = bundle.description.calibrations.image_only
    return find_evidence(bundle.heads, table, calibration, hide_metadata=True, device=device)
