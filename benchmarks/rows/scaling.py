"""One Ray worker against two where decoding is all the work, Ray against the local engine, and memory per node."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.photographs import camera_files
from benchmarks.row import Row, Scale, Target, UnequalError
from benchmarks.stage_runs import StageProject, StageRun

_ROUNDS = 3
_LEAST_EFFICIENCY = 0.9
_MOST_OVERHEAD = 1.15
_MOST_GROWTH = 1.10

LOCAL: dict[str, Any] = {"embed.engine": "local"}
RAY: dict[str, Any] = {"embed.engine": "ray", "embed.ray.address": "local"}
ONE: dict[str, Any] = RAY | {"embed.ray.decode_actors": 1, "embed.ray.model_actors": 1}
TWO: dict[str, Any] = RAY | {"embed.ray.decode_actors": 2, "embed.ray.model_actors": 1}
CHEAP_MODEL: dict[str, Any] = {
    # 1 ms next to 75 of decoding: one worker leaves it a core of its own, two don't.
    "backbone.name": "vit_small_plus_patch16_dinov3",
    "backbone.kwargs": {"depth": 1, "embed_dim": 64, "num_heads": 1},
    "views.size_px": 32,
}


def measure(scale: Scale) -> list[Row]:
    """Efficiency of the second worker, overhead against the local engine, and memory of 128 and of 512 photographs."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = projects(Path(folder), scale, CHEAP_MODEL, counts=(scale.of(128, 8), scale.of(512, 12)))
        rounds = alternating(many, (LOCAL, ONE, TWO), rounds=scale.of(_ROUNDS, 1))
        alone = [many.embed(ONE, cores=1) for _ in rounds]
        check_features([*alone, rounds[0][0]])
        memory = memory_row(few.embed(TWO, memory=True), many.embed(TWO, memory=True))
    what = "decoding 4032×3024 px and little else"
    return [
        efficiency_row([(one, two) for _, one, two in rounds], what),
        core_each_row([(one, two) for one, (_, _, two) in zip(alone, rounds, strict=True)], what),
        *overhead_rows([(local, two) for local, _, two in rounds], what),
        memory,
    ]


def projects(folder: Path, scale: Scale, changes: dict[str, Any], *, counts: Iterable[int]) -> list[StageProject]:
    """Projects of so many photographs of 4032×3024 px each."""
    counts = list(counts)
    width_px = scale.of(4032, 320)
    (folder / "drawn").mkdir()
    files = camera_files(folder / "drawn", max(counts), width_px=width_px, height_px=width_px * 3 // 4)
    changes = changes | {"embed.block_images": scale.of(64, 4)}
    return [StageProject(folder / f"of_{count}", files[:count], changes) for count in counts]


def alternating(project: StageProject, ways: Sequence[dict[str, Any]], *, rounds: int) -> list[list[StageRun]]:
    """A run in each of the ways, one after the other, and again; UnequalError unless all make the same store."""
    runs = [[project.embed(way) for way in ways] for _ in range(rounds)]
    check_features(run for each in runs for run in each)
    return runs


def check_features(runs: Iterable[StageRun]) -> None:
    """Raise UnequalError unless all made the same store, byte for byte."""
    if len({run.features for run in runs}) > 1:
        raise UnequalError("the stores differ between engines or numbers of workers")


def efficiency_row(rounds: Sequence[tuple[StageRun, StageRun]], what: str) -> Row:
    """Photographs a second of two workers ÷ twice those of one."""
    one, two = rounds[-1]
    return Row(
        name="scaling.two_workers",
        what=f"photographs/s of two Ray workers against twice those of one, {what}",
        **spread([one.photograph_s / (2 * two.photograph_s) for one, two in rounds]),
        unit="of twice one's",
        target=Target("at least", _LEAST_EFFICIENCY),
        limit="on two cores the starter, Ray's own processes and the model share the cores with both workers",
        note="from the first finished cache block to the last",
        detail={"one": detail(one), "two": detail(two), "cores": os.cpu_count()},
    )


def core_each_row(rounds: Sequence[tuple[StageRun, StageRun]], what: str) -> Row:
    """The same where the one worker, its model and its cluster have a single core, as the two have two."""
    one, two = rounds[-1]
    return Row(
        name="scaling.core_each",
        what=f"photographs/s of two Ray workers on two cores against twice those of one on one core, {what}",
        **spread([one.photograph_s / (2 * two.photograph_s) for one, two in rounds]),
        unit="of twice one's",
        note="everything else runs on the same cores, in both: above 1 where it costs two workers no more than one",
        detail={"one": detail(one), "two": detail(two)},
    )


def overhead_rows(rounds: Sequence[tuple[StageRun, StageRun]], what: str) -> list[Row]:
    """Ray's time ÷ the local engine's on the same cores: of a photograph, and of the start."""
    local, ray = rounds[-1]
    return [
        Row(
            name="scaling.overhead",
            what=f"time per photograph of engine ray against engine local on the same cores, {what}",
            **spread([ray.photograph_s / local.photograph_s for local, ray in rounds]),
            unit="×",
            target=Target("at most", _MOST_OVERHEAD),
            limit="1: the same work on the same cores",
            note="from the first finished cache block to the last",
            detail={"local": detail(local), "ray": detail(ray), "photographs": ray.photographs},
        ),
        Row(
            name="scaling.start",
            what="what a cluster of its own and its processes take to start and to stop, more than the local engine",
            **spread([ray.start_s - local.start_s for local, ray in rounds]),
            unit="s",
            note="once a run, however many photographs; a cluster that runs already saves a part of it",
        ),
    ]


def memory_row(few: StageRun, many: StageRun) -> Row:
    """Peak memory of all processes of the node: many photographs ÷ few."""
    assert few.peak_mib is not None
    assert many.peak_mib is not None
    return Row(
        name="scaling.memory",
        what=f"peak memory of a node, all its processes, with {many.photographs} photographs against {few.photographs}",
        figure=many.peak_mib / few.peak_mib,
        unit=f"× the peak with {few.photographs} photographs",
        target=Target("at most", _MOST_GROWTH),
        limit="1: what is under way is bounded by batches and actors",
        detail={"peak_mib_few": few.peak_mib, "peak_mib_many": many.peak_mib},
    )


def detail(run: StageRun) -> dict[str, float]:
    """For the results."""
    return {"start_s": run.start_s, "ms_per_photograph": 1000 * run.photograph_s, "wall_s": run.wall_s}


def spread(found: Sequence[float]) -> dict[str, Any]:
    """Median, lowest and highest over the rounds."""
    return {"figure": statistics.median(found), "low": min(found), "high": max(found)}
