"""The fine-tuning of all folds, by its stages, against the gradient steps that it needs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.finetuning_project import create_project, run_stage
from benchmarks.row import Row, Scale, Target, UnequalError
from pipeline import paths

NATIX, SAMPLE, QUICK = 2298, 60, 40
"""Test images of the NATIX data set, of the drawn sample, and of a quick run."""

_TARGET = Target("at most", 1.2)
_LIMIT = "1.0: nothing but forward, backward and step"
_EPOCHS, _FOLDS = 3, 5  # fewer epochs than the default: the rest weighs the more


def measure(scale: Scale) -> list[Row]:
    """Both scales; first that folds trained together are byte for byte those that are trained alone."""
    with tempfile.TemporaryDirectory() as folder:
        check_equal(Path(folder) / "equal")
        rows = [row(Path(folder) / "sample", "sample", scale.of(SAMPLE, QUICK), None)]
        if not scale.quick:
            rows.append(row(Path(folder) / "natix", "natix", NATIX, _TARGET))
        return rows


def check_equal(folder: Path) -> None:
    """Raise UnequalError unless a fold that waited for its stage is what its stage alone makes of it."""
    found = []
    for together in (True, False):
        project = folder / str(together)
        create_project(project, QUICK, {"epochs": 1, "folds": [0, 1, 2], "together": together})
        for fold in (0, 1) if together else (1,):
            run_stage(project, fold, project / "cache")
        members = project / paths.FINETUNED / "1"
        found.append({path.name: path.read_bytes() for path in sorted(members.iterdir())})
    if found[0] != found[1]:
        raise UnequalError("a fold that is trained together with others isn't the one that is trained alone")


def row(folder: Path, name: str, images: int, target: Target | None) -> Row:
    """Wall time of all stages, start of the processes included, over their gradient steps."""
    create_project(folder, images, {"epochs": _EPOCHS, "patience": _EPOCHS, "folds": list(range(_FOLDS))})
    stages_s = []
    for fold in range(_FOLDS):
        start = perf_counter()
        run_stage(folder, fold, folder / "cache")
        stages_s.append(perf_counter() - start)
    timed = [json.loads((folder / paths.FINETUNE_TIMING / f"{fold}.json").read_bytes()) for fold in range(_FOLDS)]
    gradient_s = sum(one["seconds_of_gradient_steps"] for one in timed)
    trained_s = sum(one["seconds"] for one in timed)
    return Row(
        name=f"finetuning.{name}",
        what=f"{_FOLDS} folds of {images} images, all stages, against their gradient steps",
        figure=round(sum(stages_s) / gradient_s, 3),
        unit="× gradient steps",
        target=target,
        limit=_LIMIT,
        note="" if target else "starting Python and PyTorch takes longer than so few steps",
        detail={
            "wall_s": round(sum(stages_s), 2),
            "gradient_steps_s": round(gradient_s, 2),
            "training_s": round(trained_s, 2),  # with validation, predictions and saved states
            "stages_s": [round(seconds, 2) for seconds in stages_s],
        },
    )
