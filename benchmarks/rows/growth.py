"""Is everything between the embedding cache and the scores linear, from a thousand to a hundred thousand images?"""

from __future__ import annotations

import math
import multiprocessing
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.growth_stages import assemble, use
from benchmarks.row import Row, Scale, Target, UnequalError
from benchmarks.synthetic import DIM, VIEWS
from benchmarks.synthetic_project import ATTRIBUTES, FINGERPRINT, PARAMS, Paths, fill_cache, photographs
from roadwork.config import load_section
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.config import EmbedConfig
from roadwork.embed.images import embed_images
from roadwork.embed.local_engine import LocalEngine
from roadwork.embed.photograph import Photograph

ROW_BYTES = VIEWS * DIM * 2
_LINEAR, _CONSTANT = Target("at most", 1.1), Target("at most", 0.1)
_STAGES = {
    "assemble": "look up and assemble the store",
    "load": "load features, metadata and folds, and take the training part",
    "epoch_data": "draw an epoch and gather its batches from memory",
    "epoch_data_streamed": "draw an epoch and gather its batches from the disk, window by window",
    "bootstrap": "scores of the test part with their bootstrap intervals",
}
_NOTES = {
    "assemble": "the largest size once, its files not yet in memory; the others the quickest of three",
}


def measure(scale: Scale) -> list[Row]:
    """A row per stage: how its time grows with the number of images."""
    sizes = (128, 256, 512) if scale.quick else (1_000, 10_000, 100_000)
    steps = scale.of(10, 1)
    with tempfile.TemporaryDirectory() as name:
        root, found = Path(name) / "cache", {}
        fill_cache(root, sizes[-1])
        for images in sizes:
            folder = Path(name) / str(images)
            folder.mkdir()
            found[images] = _alone(assemble, root, folder, images), _alone(_used, folder, images, steps)
            shutil.rmtree(folder)
        more = _one_percent_more(root, Path(name) / "more", scale.of(2_000, 200))
    taken = {images: one | two for images, (one, two) in found.items()}
    rows = [_linear(stage, what, taken) for stage, what in _STAGES.items()]
    return [*rows, _step(taken), *_memory(found), more]


def _used(folder: Path, images: int, steps: int) -> dict[str, Any]:
    return use(folder, images, steps=steps)


def _alone(work: Any, *given: Any) -> dict[str, Any]:
    """What `work` returns from a process of its own: its peak of memory is then its own too."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def _linear(stage: str, what: str, taken: Mapping[int, Mapping[str, Any]]) -> Row:
    seconds = {images: found[stage].wall_s for images, found in taken.items()}
    return Row(
        name=f"growth.{stage}",
        what=f"{what}: the power of the number of images that its time grows with, from {_range(taken)}",
        figure=power(seconds),
        unit="(1 is linear, 2 quadratic)",
        target=_LINEAR,
        limit="1; a little more where arrays outgrow the processor's caches",
        note=_NOTES.get(stage, ""),
        detail={f"wall_s_{images}": round(found[stage].wall_s, 4) for images, found in taken.items()}
        | {f"cpu_s_{images}": round(found[stage].cpu_s, 4) for images, found in taken.items()},
    )


def _step(taken: Mapping[int, Mapping[str, Any]]) -> Row:
    seconds = {images: found["steps"].wall_s for images, found in taken.items()}
    return Row(
        name="growth.step",
        what=f"a number of steps of the real head: the power of the number of images, from {_range(taken)}",
        figure=power(seconds),
        unit="(0 is constant, 1 linear)",
        target=_CONSTANT,
        limit="0: a step doesn't know how many images there are, but that their rows are in no cache",
        note="an epoch is an epoch's data and a number of such steps that grows with the images",
        detail={f"wall_s_{images}": round(second, 4) for images, second in seconds.items()},
    )


def power(seconds: Mapping[int, float]) -> float:
    """The p for which `seconds` by number of images grow like images ** p, between the two largest numbers.

    At the small ones a fixed cost would hide what grows faster later.
    """
    fewer, more = sorted(seconds)[-2:]
    return math.log(seconds[more] / seconds[fewer]) / math.log(more / fewer)


def _range(taken: Mapping[int, Any]) -> str:
    fewer, more = sorted(taken)[-2:]
    return f"{fewer:,} to {more:,} images"


def _memory(found: Mapping[int, tuple[Mapping[str, Any], Mapping[str, Any]]]) -> list[Row]:
    """How much memory an image costs, in features of an image."""
    smallest, *_, largest = found
    rows = []
    for place, name, what, target, limit in (
        (0, "assembling", "the store", _CONSTANT, "0: a chunk at a time; ids and index are about 1 kB per image"),
        (1, "using", "load, train and score", None, "2: the features, and copies of the parts of the division"),
    ):
        peaks = {images: parts[place]["peak_bytes"] for images, parts in found.items()}
        each = (peaks[largest] - peaks[smallest]) / (largest - smallest)
        rows.append(
            Row(
                name=f"growth.memory_{name}",
                what=f"{what}: peak memory that each further image costs ÷ the size of its features",
                figure=each / ROW_BYTES,
                unit="×",
                target=target,
                limit=limit,
                note="" if place == 0 else f"features at {largest:,} images: {found[largest][1]['kept'].lower()}",
                detail={f"peak_mib_{images}": round(peak / 2**20) for images, peak in peaks.items()},
            )
        )
    return rows


def _one_percent_more(root: Path, folder: Path, images: int) -> Row:
    """Through the real `embed_images`, with a model that counts the photographs it is shown."""
    config = load_section(PARAMS, "embed", EmbedConfig)
    added = images // 100
    shown: list[int] = []

    def cut(photo: Photograph) -> np.ndarray:
        return np.full((VIEWS, 1, 1, 3), int(photo.image_id, 16) % 251, np.uint8)

    def embed(views: torch.Tensor) -> torch.Tensor:
        shown.append(len(views))
        return torch.linspace(0, 1, DIM) * views[..., 0, 0, :1].float()

    def computed(photos: list[Photograph]) -> int:
        shown.clear()
        cache = EmbeddingCache(root, FINGERPRINT)
        engine = LocalEngine(cache, cut, embed, torch.device("cpu"), config)
        report = embed_images(
            photos, cache=cache, engine=engine, timeout_s=config.timeout_s, store=Paths.of(folder).images,
            attributes=ATTRIBUTES, rejects=folder / "embed_rejects.csv",
        )  # fmt: skip
        if report.computed != sum(shown):
            raise UnequalError(f"{sum(shown)} images were computed, {report.computed} are reported")
        return report.computed

    folder.mkdir()
    there = photographs(images)
    new = [Photograph(f"{'f' * 32}{n:032x}", Path(str(n)), there[0].boxes, 1) for n in range(added)]
    mixed = [*new, *there]
    np.random.default_rng(0).shuffle(mixed)  # pyright: ignore[reportArgumentType]
    counts = {
        "added": computed(mixed),
        "reordered": computed(mixed[::-1]),
        "removed": computed(mixed[: images // 2]),
    }
    if (counts["reordered"], counts["removed"]) != (0, 0):
        raise UnequalError(f"reordering computed {counts['reordered']} images, removing {counts['removed']}")
    return Row(
        name="growth.one_percent_more",
        what=f"images computed ÷ images added, when {added} come to {images:,}; none when some go or change places",
        figure=counts["added"] / added,
        unit="×",
        target=Target("at most", 1.0),
        limit="1",
        detail=counts,
    )
