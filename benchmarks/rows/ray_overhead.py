"""Ray against the local engine on the committed backbone, where the model is nearly all the work: the whole stage."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.row import Row, Scale, Target
from benchmarks.rows.scaling import CHEAP_MODEL, LOCAL, RAY, alternating, projects, spread
from benchmarks.stage_runs import StageRun

_ROUNDS = 2
_MOST_OVERHEAD = 1.15


def measure(scale: Scale) -> list[Row]:
    """The committed parameters, 512 photographs: minutes of computing for each engine."""
    with tempfile.TemporaryDirectory() as folder:
        (project,) = projects(Path(folder), scale, CHEAP_MODEL if scale.quick else {}, counts=[scale.of(512, 12)])
        return [
            whole_row([(local, ray) for local, ray in alternating(project, (LOCAL, RAY), rounds=scale.of(_ROUNDS, 1))])
        ]


def whole_row(rounds: Sequence[tuple[StageRun, StageRun]]) -> Row:
    """Ray's time ÷ the local engine's, from the command to its end."""
    local, ray = rounds[-1]
    return Row(
        name="ray_overhead.whole",
        what=f"the whole stage with {ray.photographs} photographs and the committed backbone, engine ray against "
        "engine local on the same cores",
        **spread([ray.wall_s / local.wall_s for local, ray in rounds]),
        unit="×",
        target=Target("at most", _MOST_OVERHEAD),
        limit="1: the same work on the same cores",
        note="with the start and the end of a cluster of its own",
        detail={"local_wall_s": local.wall_s, "ray_wall_s": ray.wall_s},
    )
