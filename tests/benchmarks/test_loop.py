"""What the rows of the loop refuse to time, and how seconds are told apart by stage."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.clone import Clone
from benchmarks.row import Target, UnequalError
from benchmarks.rows import loop
from pipeline import paths


class Pretended(Clone):
    """A clone in which `dvc repro` prints what is given, and leaves a head and its timing as a training does."""

    def __init__(self, folder: Path, said: str) -> None:
        self.folder, self.said = folder, said
        (folder / paths.IMAGES).mkdir(parents=True)
        (folder / paths.IMAGES / "a.jpg").write_text("")

    def run(self, *command: str) -> str:
        return self.said

    def change(self, changes: Mapping[str, Any]) -> None:
        (self.folder / "changed").write_text(str(changes))

    def repro(self) -> dict[str, float]:
        return {"dvc's start": 1.0, "pretrain": 9.0, "finetune": 5.0, "dvc's end": 1.0}


def head(clone: Clone, text: str) -> None:
    (clone.folder / paths.PRETRAINED).mkdir(parents=True, exist_ok=True)
    (clone.folder / paths.PRETRAINED / "head.json").write_text(text)


def test_help_is_timed_and_its_words_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    row = loop.help_row(1)
    assert (row.name, row.target) == ("loop.help", Target("at most", 0.3))
    monkeypatch.setattr(loop, "STAGES", {"no such stage": ""})
    with pytest.raises(UnequalError, match="no such stage"):
        loop.help_row(1)


def test_a_run_that_does_something_is_not_timed_as_one_that_does_nothing(tmp_path: Path) -> None:
    clone = Pretended(tmp_path / "one", "Stage 'x' didn't change\nData and pipelines are up to date.\n")
    target = Target("at most", 6)
    row = loop.unchanged_row(clone, "sample", rounds=1, target=target)
    assert row.figure is not None
    assert row.detail["images"] == 1
    with pytest.raises(UnequalError, match="Running stage"):
        loop.unchanged_row(Pretended(tmp_path / "other", "Running stage 'x'"), "sample", rounds=1, target=target)


def test_gradient_steps_are_taken_off_and_another_head_is_wanted(tmp_path: Path) -> None:
    clone = Pretended(tmp_path, "")
    head(clone, "one")
    with pytest.raises(UnequalError, match="the head is the same"):
        loop.changed_row(clone)

    def trained() -> dict[str, float]:
        head(clone, "another")
        for path in (paths.TIMING, paths.FINETUNE_TIMING / "0.json", paths.FINETUNE_TIMING / "1.json"):
            (clone.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (clone.folder / path).write_text('{"seconds_of_gradient_steps": 2.5}')
        return Pretended.repro(clone)

    clone.repro = trained
    row = loop.changed_row(clone)
    assert row.figure == 16.0 - 7.5
    assert row.target == Target("at most", 15)
    assert row.detail["stages_s"]["finetune"] == 5.0


def test_seconds_go_to_the_stage_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "for name in ('pretrain', 'finetune@0', 'finetune@1'): print(f\"Running stage '{name}':\")"
    clone = Pretended(tmp_path, "")
    clone.environment = {}

    def popen(command: list[str], **arguments: Any) -> Any:
        return real([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)

    real = subprocess.Popen
    monkeypatch.setattr("benchmarks.clone.subprocess", SimpleNamespace(Popen=popen, PIPE=subprocess.PIPE, STDOUT=None))
    assert list(Clone.repro(clone)) == ["dvc's start", "pretrain", "finetune"]
