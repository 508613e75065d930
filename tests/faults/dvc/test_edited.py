"""What is edited while a stage runs is never recorded as what made its result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.clone import Clone
from harness.under_way import blocks, epochs, under_way

LONG = {"pretrain.epochs": 12, "pretrain.patience": 12, "finetune.epochs": 12, "finetune.patience": 12}


def append(name: str) -> Callable[[Path], Any]:
    def edit(folder: Path) -> None:
        with (folder / name).open("a") as file:
            file.write("\n# edited\n")

    return edit


def other_seed(folder: Path) -> None:
    params = folder / "params.yaml"
    text = params.read_text()
    assert "seed: 17\n" in text
    params.write_text(text.replace("seed: 17\n", "seed: 18\n", 1))


def rewritten(name: str) -> Callable[[Path], Any]:
    """The same bytes, written again by another program: it could as well have been others."""

    def edit(folder: Path) -> None:
        path = folder / name
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)

    return edit


def one_more(folder: Path) -> None:
    (folder / "data" / "images" / "one_more.jpg").write_bytes(b"not there at the start")


EDITS = {
    "code of the loop": ("pretrain", append("roadwork/train/loop.py")),
    "code that is imported last": ("pretrain", append("roadwork/train/checkpoint.py")),
    "parameters": ("pretrain", other_seed),
    "an input file": ("pretrain", rewritten("data/folds.parquet")),
    "an input folder": ("pretrain", append("features/text.zarr/zarr.json")),
    "code, one fold": ("finetune@0", append("roadwork/train/finetune.py")),
    "an input, one fold": ("finetune@0", rewritten("models/pretrained/head.json")),
    "code, embedding": ("embed_images", append("roadwork/embed/stream.py")),
    "an input file, embedding": ("embed_images", rewritten("features/views.parquet")),
    "an input folder, embedding": ("embed_images", one_more),
}


@pytest.mark.parametrize(("stage", "edit"), EDITS.values(), ids=EDITS)
def test_a_stage_whose_sources_are_edited_fails_and_is_not_recorded(
    project: Clone, tally: Any, stage: str, edit: Callable[[Path], Any]
) -> None:
    project.change(LONG)
    if stage == "embed_images":
        project.change({"views.size_px": 128, "ingest.sample.max_width_px": 160})
        project.repro("tile")
        reached = blocks(project, len(list((project.home / "cache" / "embeddings").glob("*/*.safetensors"))) + 1)
    else:
        reached = epochs(project, 1)
        if stage == "finetune@0":
            project.repro("headline")
    before = project.recorded(stage)
    with under_way(project, "dvc", "repro", "--single-item", stage) as running:
        held = running.stage(stage, reached)
        edit(project.folder)
        held.resume()
        ended = running.end()
    assert ended.code != 0, ended.printed
    assert "changed while it ran" in ended.printed
    assert "Traceback" not in ended.printed
    assert project.recorded(stage) == before
    assert stage in project.run("dvc", "status", stage).stdout
    tally.add("edits under a running stage")
    tally.add("faults survived")
