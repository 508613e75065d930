"""The project that fine-tuning is timed on, and that folds which differ are never timed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks import finetuning_project
from benchmarks.finetuning_project import create_project
from benchmarks.row import Target, UnequalError
from benchmarks.rows import finetuning
from pipeline import paths
from roadwork.publish import write_json


def test_every_part_of_every_fold_has_both_classes(tmp_path: Path) -> None:
    create_project(tmp_path / "project", 60, {})
    folds = pd.read_parquet(tmp_path / "project" / paths.FOLDS)
    labels = pd.read_parquet(tmp_path / "project" / paths.MANIFEST)["label"]
    for fold in range(5):
        for role in ("train", "val", "test"):
            assert set(labels[folds[f"role_{fold}"] == role]) == {0, 1}
    assert [(folds[f"role_{fold}"] == "test").sum() for fold in range(5)] == [12] * 5


def pretended(folder: Path, images: int, changes: Mapping[str, Any]) -> None:
    """Stands in for a project: only what the row reads."""
    for fold in range(5):
        write_json(folder / paths.FINETUNE_TIMING / f"{fold}.json", {"seconds_of_gradient_steps": 1.0, "seconds": 1.1})


def test_the_row_is_wall_time_over_gradient_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finetuning, "create_project", pretended)
    monkeypatch.setattr(finetuning, "run_stage", lambda folder, fold, cache: None)
    times = iter([0.0, 4.0, 4.0, 4.5, 4.5, 5.0, 5.0, 5.5, 5.5, 6.0])
    monkeypatch.setattr(finetuning, "perf_counter", lambda: next(times))
    row = finetuning.row(tmp_path, "natix", 2298, Target("at most", 1.2))
    assert (row.figure, row.met) == (1.2, True)
    assert row.detail["stages_s"] == [4.0, 0.5, 0.5, 0.5, 0.5]


def test_folds_that_differ_are_not_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stage(folder: Path, fold: int, cache: Path) -> None:
        member = folder / paths.FINETUNED / "1"
        member.mkdir(parents=True, exist_ok=True)
        (member / "head.json").write_text(text if folder.name == "True" else "alone")

    monkeypatch.setattr(finetuning, "create_project", pretended)
    monkeypatch.setattr(finetuning, "run_stage", stage)
    text = "alone"
    finetuning.check_equal(tmp_path / "equal")
    text = "together"
    with pytest.raises(UnequalError, match="trained alone"):
        finetuning.check_equal(tmp_path / "unequal")


def test_a_stage_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    with pytest.raises(RuntimeError, match=r"(?s)finetune 0 failed: error: .*missing"):
        finetuning_project.run_stage(tmp_path, 0, tmp_path)
