"""Ray against the local engine on the committed backbone, where the model is nearly all the work."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.row import Row, Scale
from benchmarks.rows.scaling import LOCAL, RAY, Projects, check_features, overhead_rows

_QUICK_MODEL = {"backbone.name": "vit_small_plus_patch16_dinov3", "backbone.kwargs": {"depth": 1}, "views.size_px": 32}


def measure(scale: Scale) -> list[Row]:
    """The committed parameters, 512 photographs: minutes of computing for each engine."""
    with tempfile.TemporaryDirectory() as folder:
        changes = _QUICK_MODEL if scale.quick else {}
        projects = Projects(Path(folder), scale, changes, few=scale.of(32, 4), many=scale.of(512, 12))
        local, ray = projects.run(LOCAL), projects.run(RAY)
    check_features(local, ray)
    return overhead_rows("ray_overhead", [(local, ray)], "the committed backbone")
