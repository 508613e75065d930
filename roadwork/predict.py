"""From photographs to probabilities, and their evidence, with a trained bundle, from the pixels alone."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from roadwork.bundle.load import Bundle, load_bundle
from roadwork.bundle.match import build_matching_backbone
from roadwork.data.regular_file import read_regular_file
from roadwork.device import resolve_device
from roadwork.embed.backbone import Backbone, embed_views
from roadwork.embed.decode_workers import overlapped, worker_count
from roadwork.embed.half import refuse_flat, to_float16
from roadwork.errors import BackboneError, PhotographError, StoreError, TrainingError
from roadwork.evidence.evidence import Evidence, find_evidence
from roadwork.evidence.view import ViewEvidence
from roadwork.model.metadata import Metadata
from roadwork.photograph_files import photograph_files
from roadwork.progress import progress
from roadwork.train.embeddings import Resident
from roadwork.train.features import FeatureTable
from roadwork.views.decoder import Decoder, Pixels, decoder_of
from roadwork.views.geometry import ViewsConfig, view_boxes, view_names

MAX_PIXELS = 200_000_000
"""Larger photographs are refused before memory is taken, unless the caller says otherwise."""

MAX_BYTES = 1_000_000_000
"""So are larger files, before they are read."""

TIMEOUT_S = 300.0
"""A photograph that hasn't become views after this long counts as one that can't be read."""

_AHEAD = 2
_FIX = "replace the file, or leave it out"


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
    timeout_s: float = TIMEOUT_S,
    bar: bool = True,
) -> Generator[Prediction | PhotographError, None, None]:
    """The probability of roadwork of each of `photographs`, one after the other, each as soon as it is known.

    Folders stand for the images below them, sorted, overlays left out. A photograph that is named twice is predicted
    once, where it was named first. One that can't be read, that takes longer than `timeout_s`, or of which the backbone
    or the heads make no number yields its error, and the others go on; arguments that lead to no photograph come first.

    A photograph takes the route of training: 12 views, the backbone, float16, the members with metadata hidden, the
    mean of their margins, the bundle's `image_only` calibration. Each is judged alone, so what it gets is the same in
    any company.

    The evidence of a view is what the members together make of it: the mean of their gates, the share of them that kept
    it, the mean of the logits of those, and how the probability falls when every member has to do without the view.

    `params`: a project's parameter file whose `backbone` and `views` must agree with the bundle. `weights`: the
    backbone's weights file, where the bundle's own can't be found. `bar`: whether to tell how far it is.

    Raises BundleError (missing, damaged, or not fitting backbone and views), BackboneError, CapabilityError, DataError
    where the photographs' disk doesn't answer at all.
    """
    loaded = load_bundle(bundle)
    files, failures = photograph_files(photographs)
    chosen = resolve_device(device, parameter="--device")
    yield from failures
    if not files:
        return
    backbone = build_matching_backbone(loaded.description, bundle, params=params, weights=weights, device=chosen)
    names = view_names(loaded.description.views.grid)
    views = loaded.description.views
    cut = _view_cutter(decoder_of(views, chosen), views, max_pixels)
    with progress("predicting", len(files), "photographs") if bar else nullcontext() as advance:
        cuts = overlapped(
            cut, files, workers=worker_count("auto"), ahead=_AHEAD, timeout_s=timeout_s, late=partial(_late, timeout_s)
        )
        for photo in cuts:
            yield photo if isinstance(photo, PhotographError) else _judged(photo, loaded, backbone, names, chosen)
            if advance is not None:
                advance()


def _judged(
    photo: _Cut, bundle: Bundle, backbone: Backbone, names: Sequence[str], device: torch.device
) -> Prediction | PhotographError:
    """What the bundle says of one photograph, or that it says no number."""
    name = str(photo.path)
    try:
        vectors = to_float16(embed_views(backbone, torch.as_tensor(photo.views)[None]).cpu().numpy(), [name])
        refuse_flat(vectors, [name])
    except (BackboneError, StoreError) as error:
        return PhotographError(f"the backbone makes no features of it: {error.what}", where=name, rule=error.rule,
                               fix=error.fix)  # fmt: skip
    try:
        evidence = _evidence(bundle, vectors, device)
    except TrainingError:  # the heads' own check of their answers
        evidence = None
    if evidence is None or not np.isfinite(evidence.probabilities).all():
        return PhotographError(
            "the bundle gives no number for it",
            where=name,
            rule="a probability is a number from 0 to 1",
            fix="the bundle's weights are too large to be right: run `dvc repro ensemble`, or fetch the bundle again",
        )
    probability = float(evidence.probabilities[0])
    return Prediction(photo.path, probability, probability >= 0.5, evidence.views(0, names), photo.boxes)


class _Cut(NamedTuple):
    """A photograph's views `[view size size 3]` and where they lie."""

    path: Path
    views: Pixels
    boxes: NDArray[np.int32]


def _view_cutter(decoder: Decoder, config: ViewsConfig, max_pixels: int) -> Callable[[Path], _Cut | PhotographError]:
    def cut(path: Path) -> _Cut | PhotographError:
        try:
            pixels = decoder.decode(read_regular_file(path, max_bytes=MAX_BYTES), max_pixels=max_pixels)
        except PhotographError as error:  # without its traceback, which would keep the photograph in memory
            return PhotographError(error.what, where=str(path), rule=error.rule, fix=error.fix or _FIX)
        height_px, width_px = pixels.shape[:2]
        boxes = view_boxes(width_px, height_px, grid=config.grid, overlap=config.overlap)
        return _Cut(path, decoder.cut(pixels, boxes, config.size_px), boxes)

    return cut


def _late(timeout_s: float, path: Path) -> _Cut | PhotographError:
    return PhotographError(
        f"reading and cutting the photograph takes longer than {timeout_s:g} s",
        where=str(path),
        rule="that is how long a photograph is waited for",
        fix="look whether the disk it lies on answers; else leave the photograph out",
    )


def _evidence(bundle: Bundle, embeddings: NDArray[np.float16], device: torch.device) -> Evidence:
    """The evidence of each row of `embeddings [image view dim]`, nothing else being known."""
    images = len(embeddings)
    table = FeatureTable(
        image_ids=[str(row) for row in range(images)],
        embeddings=Resident(torch.from_numpy(embeddings)),
        metadata=Metadata.null(images, bundle.description.spec.metadata),
        labels=torch.full((images,), -1),
        split=np.full(images, ""),
        block=np.arange(images, dtype=np.int32),
        roles=np.empty((images, 0), dtype=np.str_),
        fingerprint=bundle.description.feature_fingerprint,
        digest="",  # of no project
    )
    calibration = bundle.description.calibrations.image_only
    return find_evidence(bundle.heads, table, calibration, hide_metadata=True, device=device)
