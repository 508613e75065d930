"""`dvc repro` that is ended from outside goes on where it was."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from harness.clone import Clone
from harness.under_way import blocks, epochs, under_way

SIGNALS = (signal.SIGINT, signal.SIGKILL)


def end_it(clone: Clone, stage: str, reached: Any, number: signal.Signals) -> None:
    with under_way(clone, "dvc", "repro", "--force", "--single-item", stage) as running:
        running.stage(stage, reached)
        running.send(number)
        ended = running.end()
    assert ended.code != 0, ended.printed
    assert number == signal.SIGKILL or "Traceback" not in ended.printed


def nothing_is_left(clone: Clone) -> None:
    """Neither an unfinished file nor a lock nor a state for resuming, in the project and in the cache."""
    left = [*clone.folder.rglob("*.partial"), *(clone.home / "cache").rglob("*.partial")]
    left += [*(clone.home / "cache").rglob("*.lock"), *(clone.home / "cache" / "training").glob("*")]
    assert not left


@pytest.mark.parametrize("number", SIGNALS)
def test_embedding_goes_on_with_the_photographs_that_are_left(
    finished: Clone, project: Clone, tally: Any, number: signal.Signals
) -> None:
    project.run("python", "-m", "pipeline", "cache", "clear", "--yes")
    end_it(project, "embed_images", blocks(project, 2), number)
    project.repro("--force", "--single-item", "embed_images")  # not out of DVC's memory of runs
    metrics = project.json("metrics/embed_images.json")
    assert metrics["reused"] >= 16
    assert metrics["reused"] + metrics["computed"] == metrics["rows"] == 48
    assert project.results() == finished.results()
    nothing_is_left(project)
    tally.add("kills")
    tally.add("faults survived")


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("stage", ["pretrain", "finetune@0"])
def test_training_goes_on_with_the_epochs_that_are_left(
    project: Clone, tally: Any, stage: str, number: signal.Signals
) -> None:
    section = stage.split("@")[0]
    project.change({f"{section}.epochs": 30, f"{section}.patience": 30})
    end_it(project, stage, epochs(project, 3), number)
    assert list((project.home / "cache" / "training").glob("*/epochs_*"))
    project.repro("--single-item", stage)
    if stage == "pretrain":
        assert project.json("metrics/timing.json")["epochs"] <= 27
    nothing_is_left(project)
    resumed = project.results()
    project.repro("--single-item", "--force", stage)
    assert project.results() == resumed
    tally.add("kills")
    tally.add("faults survived")
