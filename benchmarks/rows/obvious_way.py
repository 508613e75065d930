"""Files to features against the first day's way: a DataLoader of Pillow views and the timm model in eager float32."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.embedding import COMMITTED, committed_backbone, embed_files
from benchmarks.pairs import Pairs, paired
from benchmarks.photographs import photographs_of_files, sample_files
from benchmarks.rivals.dataloader_embedding import dataloader_embeddings
from benchmarks.row import Row, Scale, Target, UnequalError
from roadwork.embed.backbone import Backbone

_MIN_SPEEDUP = 3.0
_MIN_COSINE = 0.999
_BATCH = 4


def measure(scale: Scale) -> list[Row]:
    """Rows for our own arithmetic, and for float32 in both, which shows what is not the arithmetic's merit."""
    with tempfile.TemporaryDirectory() as folder:
        files = sample_files(Path(folder), scale.of(6, 2), max_width_px=scale.of(4032, 160))
        photographs = photographs_of_files(files)
        ours, full = committed_backbone(), committed_backbone(precision="fp32")
        model = plain_model(full)
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

        def rival() -> NDArray[np.float32]:
            return dataloader_embeddings(
                files,
                [photo.boxes for photo in photographs],
                model,
                size_px=COMMITTED.size_px,
                batch_size=_BATCH,
                workers=workers,
            )

        expected = rival()
        return [
            _row(name, backbone, partial(embed_files, photographs, backbone), rival, expected, scale.of(2, 1))
            for name, backbone in (("images_per_second", ours), ("float32", full))
        ]


def plain_model(backbone: Backbone) -> nn.Module:
    """The timm model of `backbone` as its author hands it out, with the same weights, in float32."""
    model = timm.create_model(backbone.name, num_classes=0, global_pool="token", **backbone.kwargs)
    model.load_state_dict(backbone.module.state_dict())
    return model.eval()


def least_cosine(ours: NDArray[np.generic], rival: NDArray[np.generic]) -> float:
    """The least cosine of any view's vectors; raises UnequalError below 0.999."""
    a, b = (torch.from_numpy(np.asarray(each, dtype=np.float64)) for each in (ours, rival))
    least = float(torch.nn.functional.cosine_similarity(a, b, dim=-1).min())
    if not least >= _MIN_COSINE:
        raise UnequalError(f"a view's features have the cosine {least:.5f} to the rival's, less than {_MIN_COSINE:g}")
    return least


def _row(
    name: str,
    backbone: Backbone,
    ours: Callable[[], NDArray[np.float16]],
    rival: Callable[[], NDArray[np.float32]],
    expected: NDArray[np.float32],
    rounds: int,
) -> Row:
    counts = name != "float32"
    cosine = least_cosine(ours(), expected)
    times: Pairs = paired(ours, rival, rounds=rounds, warm_up=False)  # both have run once, for the comparison
    images = len(expected)
    return Row(
        name=f"obvious_way.{name}",
        what=f"files → features in {backbone.precision}, against DataLoader of Pillow views + timm in eager float32",
        figure=times.speedup,
        unit="× the rival's images/s",
        low=1 / max(times.ratios),
        high=1 / min(times.ratios),
        target=Target("at least", _MIN_SPEEDUP) if counts else None,
        limit="the model's own arithmetic: bf16 where the CPU multiplies it in hardware",
        note="" if counts else "the same arithmetic on both sides: what decoding, cutting and streaming gain alone",
        detail={
            "ours_images_per_s": images / float(np.median(times.ours_s)),
            "rival_images_per_s": images / float(np.median(times.rival_s)),
            "least_cosine": cosine,
            "precision": backbone.precision,
            "images": images,
        },
    )
