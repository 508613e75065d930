"""One Ray worker against two where decoding is all the work, Ray against the local engine, and memory per node."""

from __future__ import annotations

import os
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.photographs import camera_files
from benchmarks.row import Row, Scale, Target, UnequalError
from benchmarks.stage_runs import Pace, StageProject, StageRun

_LEAST_EFFICIENCY = 0.9
_MOST_OVERHEAD = 1.15
_MOST_GROWTH = 1.10

LOCAL: dict[str, Any] = {"embed.engine": "local"}
RAY: dict[str, Any] = {"embed.engine": "ray", "embed.ray.address": "local"}
ONE: dict[str, Any] = RAY | {"embed.ray.decode_actors": 1, "embed.ray.model_actors": 1}
TWO: dict[str, Any] = RAY | {"embed.ray.decode_actors": 2, "embed.ray.model_actors": 1}
_CHEAP_MODEL = {
    # Next to 75 ms of decoding its work is nothing.
    "backbone.name": "vit_small_plus_patch16_dinov3",
    "backbone.kwargs": {"depth": 1},
    "views.size_px": 32,
}


@dataclass(frozen=True)
class Pair:
    """The same stage on few and on many photographs."""

    few: StageRun
    many: StageRun

    @property
    def pace(self) -> Pace:
        """What its start and its photographs cost."""
        return Pace.of(self.few, self.many)

    @property
    def detail(self) -> dict[str, float]:
        """For the results."""
        return {
            "start_s": self.pace.start_s,
            "ms_per_photograph": 1000 * self.pace.photograph_s,
            "wall_s_few": self.few.wall_s,
            "wall_s_many": self.many.wall_s,
        }


class Projects:
    """Two projects, of few and of many photographs of 4032×3024 px."""

    def __init__(self, folder: Path, scale: Scale, changes: dict[str, Any], *, few: int, many: int) -> None:
        width_px = scale.of(4032, 320)
        (folder / "drawn").mkdir()
        files = camera_files(folder / "drawn", many, width_px=width_px, height_px=width_px * 3 // 4)
        self._few, self._many = (
            StageProject(folder / name, files[:count], changes) for name, count in (("few", few), ("many", many))
        )

    def run(self, changes: dict[str, Any]) -> Pair:
        """Both, with `changes`."""
        return Pair(self._few.embed(changes), self._many.embed(changes))


def measure(scale: Scale) -> list[Row]:
    """Efficiency of the second worker, overhead against the local engine, and memory of 64 and of 512 photographs."""
    with tempfile.TemporaryDirectory() as folder:
        projects = Projects(Path(folder), scale, _CHEAP_MODEL, few=scale.of(64, 4), many=scale.of(512, 12))
        rounds = [{name: projects.run(how) for name, how in (("local", LOCAL), ("one", ONE), ("two", TWO))}
                  for _ in range(scale.of(2, 1))]  # fmt: skip
    for pairs in rounds:
        check_features(*pairs.values())
    what = "decoding 4032×3024 px and next to nothing else"
    return [
        efficiency_row([(pairs["one"], pairs["two"]) for pairs in rounds], what),
        *overhead_rows("scaling", [(pairs["local"], pairs["two"]) for pairs in rounds], what),
        memory_row([pairs["two"] for pairs in rounds]),
    ]


def check_features(*pairs: Pair) -> None:
    """Raise UnequalError unless all made the same store, byte for byte."""
    for which in ("few", "many"):
        if len({getattr(pair, which).features for pair in pairs}) > 1:
            raise UnequalError(f"the stores of {which} photographs differ between engines or numbers of workers")


def efficiency_row(rounds: list[tuple[Pair, Pair]], what: str) -> Row:
    """Photographs a second of two workers ÷ twice those of one, the start of either left out."""
    shares = [one.pace.photograph_s / (2 * two.pace.photograph_s) for one, two in rounds if _measured(one, two)]
    one, two = rounds[-1]
    return Row(
        name="scaling.two_workers",
        what=f"photographs/s of two Ray workers against twice those of one, {what}",
        **_spread(shares),
        unit="of twice one's",
        target=Target("at least", _LEAST_EFFICIENCY),
        limit="on two cores the starter, Ray's own processes and the model share the cores with both workers",
        note="without the start of the cluster and of its processes: the slope between two numbers of photographs",
        detail={"one": one.detail, "two": two.detail, "cores": os.cpu_count()},
    )


def overhead_rows(name: str, rounds: list[tuple[Pair, Pair]], what: str) -> list[Row]:
    """Ray's time ÷ the local engine's on the same cores: without the start, with it, and the start itself."""
    slopes = [ray.pace.photograph_s / local.pace.photograph_s for local, ray in rounds if _measured(local, ray)]
    whole = [ray.many.wall_s / local.many.wall_s for local, ray in rounds]
    starts = [ray.pace.start_s - local.pace.start_s for local, ray in rounds]
    local, ray = rounds[-1]
    images = ray.many.photographs
    detail = {"local": local.detail, "ray": ray.detail, "photographs": images}
    return [
        Row(
            name=f"{name}.overhead",
            what=f"time per photograph of engine ray against engine local on the same cores, {what}",
            **_spread(slopes),
            unit="×",
            target=Target("at most", _MOST_OVERHEAD),
            limit="1: the same work on the same cores",
            note="without the start of the cluster and of its processes",
            detail=detail,
        ),
        Row(
            name=f"{name}.overhead_with_start",
            what=f"the whole stage with {images} photographs, engine ray against engine local, {what}",
            **_spread(whole),
            unit="×",
            note="with the start of a cluster of its own, which one that runs already doesn't need",
        ),
        Row(
            name=f"{name}.start",
            what="what a cluster of its own and its processes take to start, and to stop",
            **_spread(starts),
            unit="s",
        ),
    ]


def memory_row(pairs: list[Pair]) -> Row:
    """Peak memory of all processes of the node: many photographs ÷ few."""
    growth = [pair.many.peak_mib / pair.few.peak_mib for pair in pairs]
    pair = pairs[-1]
    return Row(
        name="scaling.memory",
        what=f"peak memory of a node, all its processes, with {pair.many.photographs} photographs against "
        f"{pair.few.photographs}",
        **_spread(growth),
        unit=f"× the peak with {pair.few.photographs} photographs",
        target=Target("at most", _MOST_GROWTH),
        limit="1: what is under way is bounded by batches and actors",
        detail={"peak_mib_few": pair.few.peak_mib, "peak_mib_many": pair.many.peak_mib},
    )


def _measured(*pairs: Pair) -> bool:
    return all(pair.pace.measured for pair in pairs)


def _spread(found: list[float]) -> dict[str, Any]:
    """Median, lowest and highest over the rounds; no figure where no round told one."""
    if not found:
        return {"figure": None, "low": None, "high": None}
    return {"figure": statistics.median(found), "low": min(found), "high": max(found)}
