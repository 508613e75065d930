"""What a user waits for apart from computing: `--help`, a run in which nothing changed, one changed parameter."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.clone import ROOT, Clone
from benchmarks.row import Row, Scale, Target, UnequalError
from benchmarks.synthetic import DIM, VIEWS, embedding_blocks, image_ids, labels
from pipeline import paths
from pipeline.stages import STAGES
from roadwork.data.manifest import Manifest, manifest_frame, write_manifest
from roadwork.embed.store import write_image_store

_QUICK_PICTURES = {
    # Drawn small, and through one block of the backbone: the features have their usual size, and the stages after
    # them their usual work, without minutes of decoding and embedding before anything is measured.
    "ingest.sample.max_width_px": 400,
    "views.size_px": 64,
    "backbone.kwargs": {"depth": 1},
}
_UP_TO_DATE = "Data and pipelines are up to date."
_CHANGED = ("pretrain.lr", 2.9e-4)
_MANY, _QUICK_MANY = 10_000, 200


def measure(scale: Scale) -> list[Row]:
    """`--help`, then a project that is run once: nothing changed, one parameter changed, 10,000 images."""
    rows = [help_row(scale.of(7, 2))]
    with tempfile.TemporaryDirectory() as folder:
        clone = Clone(Path(folder), _QUICK_PICTURES)
        clone.repro()
        rows.append(unchanged_row(clone, "sample", rounds=scale.of(5, 1), target=Target("at most", 6)))
        rows.append(changed_row(clone))
        many = scale.of(_MANY, _QUICK_MANY)
        stand_in(clone, many)
        rows.append(unchanged_row(clone, "ten_thousand", rounds=scale.of(3, 1), target=Target("at most", 12)))
    return rows


def help_row(rounds: int) -> Row:
    """Seconds of `python -m pipeline --help`, a process each."""
    command = [sys.executable, "-m", "pipeline", "--help"]
    seconds = []
    for _ in range(rounds + 1):
        start = perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        seconds.append(perf_counter() - start)
        if missing := [stage for stage in STAGES if stage not in done.stdout]:
            raise UnequalError(f"--help doesn't name {', '.join(missing)}")
    warm = seconds[1:]
    return Row(
        name="loop.help",
        what="roadwork --help",
        figure=round(statistics.median(warm), 3),
        unit="s",
        low=round(min(warm), 3),
        high=round(max(warm), 3),
        target=Target("at most", 0.3),
        limit="starting Python and reading the words of the page",
        detail={"first_s": round(seconds[0], 3)},
    )


def unchanged_row(clone: Clone, name: str, *, rounds: int, target: Target) -> Row:
    """Seconds of a `dvc repro` that finds everything up to date."""
    seconds = []
    for _ in range(rounds):
        start = perf_counter()
        said = clone.run(sys.executable, "-m", "dvc", "repro")
        seconds.append(perf_counter() - start)
        if _UP_TO_DATE not in said:
            raise UnequalError(f"nothing was changed, and yet dvc repro did something: {said[-1000:]}")
    images = sum(1 for path in (clone.folder / paths.IMAGES).iterdir() if path.is_file())
    return Row(
        name=f"loop.unchanged_{name}",
        what=f"dvc repro, nothing changed, {images} images",
        figure=round(statistics.median(seconds), 2),
        unit="s",
        low=round(min(seconds), 2),
        high=round(max(seconds), 2),
        target=target,
        limit="starting DVC, and one look at each file's time and size",
        detail={"images": images},
    )


def changed_row(clone: Clone) -> Row:
    """Seconds outside gradient steps of a `dvc repro` after one parameter of the training was changed."""
    before = (clone.folder / paths.PRETRAINED / "head.json").read_bytes()
    clone.change(dict([_CHANGED]))
    stages = clone.repro()
    if (clone.folder / paths.PRETRAINED / "head.json").read_bytes() == before:
        raise UnequalError(f"{_CHANGED[0]} was changed, and the head is the same")
    timings = [clone.folder / paths.TIMING, *sorted((clone.folder / paths.FINETUNE_TIMING).glob("*.json"))]
    steps_s = [json.loads(file.read_bytes())["seconds_of_gradient_steps"] for file in timings]
    outside_s = sum(stages.values()) - sum(steps_s)
    return Row(
        name="loop.one_parameter",
        what=f"dvc repro after a change of {_CHANGED[0]}: all that isn't a gradient step",
        figure=round(outside_s, 2),
        unit="s",
        target=Target("at most", 15),
        limit=f"starting Python {len(stages) + 2} times, PyTorch twice, and DVC once",
        detail={
            "wall_s": round(sum(stages.values()), 2),
            "gradient_steps_s": round(sum(steps_s), 2),
            "stages_s": {stage: round(seconds, 2) for stage, seconds in stages.items()},
        },
    )


def stand_in(clone: Clone, images: int) -> None:
    """Put so many images' photographs, manifest and features in place of the project's, and have DVC record them.

    The photographs are a few bytes each: DVC looks at their times and sizes, whatever they hold.
    """
    ids = image_ids(images)
    folder = clone.folder / paths.IMAGES
    for old in folder.iterdir():
        old.unlink()
    for name in ids:
        (folder / f"{name}.jpg").write_text(name, encoding="ascii")
    rows = [
        {"image_id": name, "path": f"images/{name}.jpg", "width_px": 400, "height_px": 300, "split": "", "label": label}
        for name, label in zip(ids, labels(images).tolist(), strict=True)
    ]
    write_manifest(Manifest(manifest_frame(rows), clone.folder / paths.DATA), clone.folder / paths.MANIFEST)
    write_image_store(
        clone.folder / paths.IMAGE_STORE, ids, embedding_blocks(images), view_count=VIEWS, dim=DIM, attributes={}
    )
    clone.run(sys.executable, "-m", "dvc", "commit", "--force", "--quiet")
