"""How well decoding and the model overlap: wall time of `embed_images` against what it can't do without."""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.embedding import COMMITTED, committed_backbone, embed_files
from benchmarks.photographs import camera_files, photographs_of_files, sample_files
from benchmarks.row import Row, Scale, Target, UnequalError
from roadwork.embed.backbone import Backbone, embed_views
from roadwork.embed.cpu_threads import cpu_threads
from roadwork.embed.decode_workers import overlapped, worker_count
from roadwork.embed.half import to_float16
from roadwork.embed.photograph import Photograph
from roadwork.embed.view_cutter import view_cutter
from roadwork.views.decoder import CpuDecoder

_MAX_RATIO = 1.10
_MAX_GROWTH = 1.10


def measure(scale: Scale) -> list[Row]:
    """Rows for the sample's mixture of sizes, for 4032×3024 only, and for the memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("mixture", "large", "many"):
            (folder / part).mkdir()
        width_px = scale.of(4032, 160)
        mixture = sample_files(folder / "mixture", scale.of(16, 6), max_width_px=width_px)
        large = camera_files(folder / "large", scale.of(8, 3), width_px=width_px, height_px=width_px * 3 // 4)
        many = sample_files(folder / "many", scale.of(512, 32), max_width_px=width_px)
        backbone = committed_backbone()
        return [
            _overlap("mixture", "the sample's sizes (1280×960 to 4032×3024)", mixture, backbone, scale),
            _overlap("large", "4032×3024 only", large, backbone, scale),
            _memory(many, scale),
        ]


def _overlap(name: str, what: str, files: list[Path], backbone: Backbone, scale: Scale) -> Row:
    photographs = photographs_of_files(files)
    cut = view_cutter(CpuDecoder(), COMMITTED.size_px)
    views = [np.asarray(cut(photo)) for photo in photographs]
    workers = worker_count("auto")
    check_rows(embed_files(photographs, backbone), views, backbone)
    walls: dict[str, list[float]] = {"ours": [], "decode": [], "model": [], "cpu": [], "model_cpu": []}
    for _ in range(scale.of(2, 1)):
        walls["decode"].append(_cpu_s(lambda: [cut(photo) for photo in photographs]) / workers)
        cpu, start = time.process_time(), time.perf_counter()
        embed_files(photographs, backbone)
        walls["ours"].append(time.perf_counter() - start)
        walls["cpu"].append(time.process_time() - cpu)
        start = time.perf_counter()
        walls["model_cpu"].append(_cpu_s(lambda: _model_alone(views, backbone)))
        walls["model"].append(time.perf_counter() - start)
    cores = torch.get_num_threads()
    ratios = [o / max(d, m) for o, d, m in zip(walls["ours"], walls["decode"], walls["model"], strict=True)]
    limits = [(d * workers / cores + m) for d, m in zip(walls["decode"], walls["model"], strict=True)]
    against_limit = [ours / limit for ours, limit in zip(walls["ours"], limits, strict=True)]
    images = len(photographs)
    return Row(
        name=f"streaming.{name}",
        what=f"`embed_images` of {what} against max(decoding ÷ workers, model)",
        figure=statistics.median(ratios),
        unit="× the slower part's wall time",
        low=min(ratios),
        high=max(ratios),
        target=Target("at most", _MAX_RATIO),
        limit="on a CPU both parts want the same cores: nothing is faster than (decoding + model) ÷ cores",
        note="the model alone already uses every core, in the way that is fastest here: a photograph per core",
        detail={
            "against_that_limit": statistics.median(against_limit),
            "lowest_possible_ratio": statistics.median(
                [limit / max(d, m) for limit, d, m in zip(limits, walls["decode"], walls["model"], strict=True)]
            ),
            "ours_ms_per_image": 1000 * statistics.median(walls["ours"]) / images,
            "ours_cpu_ms_per_image": 1000 * statistics.median(walls["cpu"]) / images,
            "model_ms_per_image": 1000 * statistics.median(walls["model"]) / images,
            "model_cpu_ms_per_image": 1000 * statistics.median(walls["model_cpu"]) / images,
            "decode_cpu_ms_per_image": 1000 * workers * statistics.median(walls["decode"]) / images,
            "decode_workers": workers,
            "cores": cores,
            "images": images,
        },
    )


def check_rows(rows: NDArray[np.float16], views: list[NDArray[np.uint8]], backbone: Backbone) -> None:
    """Raise UnequalError unless `rows` are bit for bit what the model gives for one photograph after the other."""
    for number, (row, pixels) in enumerate(zip(rows, views, strict=True)):
        alone = to_float16(embed_views(backbone, torch.from_numpy(pixels)[None]).numpy(), [str(number)])[0]
        if row.tobytes() != alone.tobytes():
            raise UnequalError(f"photograph {number} has other features in the stream than alone")


def _model_alone(views: list[NDArray[np.uint8]], backbone: Backbone) -> None:
    """The model on all cores with nothing to wait for."""
    with (
        cpu_threads() as at_once,
        closing(
            overlapped(
                lambda pixels: embed_views(backbone, torch.from_numpy(pixels)[None]),
                views,
                workers=at_once,
                ahead=at_once,
            )
        ) as rows,
    ):
        for _ in rows:
            pass


def _cpu_s(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _memory(files: list[Path], scale: Scale) -> Row:
    few, all_of_them = scale.of(64, 8), len(files)
    peaks = {count: _alone(partial(_peak_mib, files[:count])) for count in (few, all_of_them)}
    return Row(
        name="streaming.memory",
        what=f"peak memory of `embed_images` with {all_of_them} photographs against {few} (a stand-in for the model)",
        figure=peaks[all_of_them] / peaks[few],
        unit=f"× the peak with {few} photographs",
        target=Target("at most", _MAX_GROWTH),
        limit="1: the stream holds a few photographs per worker",
        detail={f"peak_mib_{count}": peak for count, peak in peaks.items()},
    )


def _peak_mib(files: list[Path]) -> float:
    photographs: list[Photograph] = photographs_of_files(files)
    embed_files(photographs, mean_colours)
    status = Path("/proc/self/status")
    if status.is_file():  # of this program alone; `getrusage` begins with what its parent had
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def mean_colours(views: Tensor) -> Tensor:
    """A model that costs nothing: mean colours of 12 views, repeated to the committed backbone's 1280 numbers."""
    colours = views.float().mean(dim=(2, 3))
    return colours.repeat(1, 1, 1 + 1280 // 3)[..., :1280]


def _alone(run: partial[float]) -> float:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
        return pool.submit(run).result()
