"""Photograph to 12 views: CPU seconds of one thread, against Pillow for everything."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.exact_lanczos import exact_views, psnr_db
from benchmarks.pairs import paired
from benchmarks.photographs import camera_files, photographs_of_files
from benchmarks.rivals.pillow_views import normalised, pillow_views
from benchmarks.row import Row, Scale, Target, UnequalError
from roadwork.embed.photograph import Photograph
from roadwork.embed.view_cutter import view_cutter
from roadwork.views.decode import decode_rgb
from roadwork.views.decoder import CpuDecoder

_MAX_RATIO = 0.33
_MIN_PSNR_DB = 45.0


def measure(scale: Scale) -> list[Row]:
    """A row for views of 224 and of 512 px, and what decoding alone costs."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        width_px, height_px = (4032, 3024) if not scale.quick else (403, 302)
        (photo,) = photographs_of_files(camera_files(Path(folder), 1, width_px=width_px, height_px=height_px))
        rounds = scale.of(7, 2)
        return [_file_to_views(photo, size_px, rounds) for size_px in ((224, 512) if not scale.quick else (32, 64))]


def _file_to_views(photo: Photograph, size_px: int, rounds: int) -> Row:
    cut = view_cutter(CpuDecoder(), size_px)
    rgb = decode_rgb(photo.path, max_pixels=photo.pixels)
    least_db = check_views(np.asarray(cut(photo)), rgb, photo.boxes, size_px)
    rival_db = check_views(pillow_views(Path(str(photo.path)), photo.boxes, size_px), rgb, photo.boxes, size_px)
    times = paired(
        lambda: cut(photo),
        lambda: normalised(pillow_views(Path(str(photo.path)), photo.boxes, size_px)),
        rounds=rounds,
        clock=time.process_time,
    )
    content = photo.path.read_bytes()
    floor = paired(
        lambda: decode_rgb(content, max_pixels=photo.pixels), lambda: cut(photo), rounds=rounds, clock=time.process_time
    )
    return Row(
        name=f"views.file_to_views_{size_px}",
        what=f"file → 12 views of {size_px} px, one thread, against Pillow (decode, 12 × crop + LANCZOS, normalise)",
        figure=times.ratio,
        unit="× the rival's CPU seconds",
        low=min(times.ratios),
        high=max(times.ratios),
        target=Target("at most", _MAX_RATIO),
        limit="decoding alone: no pixel can be resampled before libjpeg-turbo has decoded it",
        detail={
            "decode_only_ratio": floor.ratio * times.ratio,
            "ours_ms": 1000 * float(np.median(times.ours_s)),
            "rival_ms": 1000 * float(np.median(times.rival_s)),
            "decode_ms": 1000 * float(np.median(floor.ours_s)),
            "least_psnr_db": least_db,
            "rival_least_psnr_db": rival_db,
            "photograph": f"{rgb.shape[1]}×{rgb.shape[0]} JPEG, {len(content) / 1e6:.1f} MB",
        },
    )


def check_views(views: NDArray[np.uint8], rgb: NDArray[np.uint8], boxes: NDArray[np.int32], size_px: int) -> float:
    """The least PSNR of any of `views` to exact LANCZOS, in dB; raises UnequalError below 45."""
    least = float(psnr_db(views, exact_views(rgb, boxes, size_px)).min())
    if least < _MIN_PSNR_DB:
        raise UnequalError(f"a view has {least:.1f} dB against exact LANCZOS, fewer than {_MIN_PSNR_DB:g}")
    return least
