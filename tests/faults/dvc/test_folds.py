"""Fewer folds than before: nothing of the old ones is in any result."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from harness.clone import Clone


def folds_in(clone: Clone) -> dict[str, set[int]]:
    """Which folds every result tells of."""
    out_of_fold = pd.read_parquet(clone.folder / "models" / "oof_predictions.parquet")
    curves = clone.folder / "metrics" / "live" / "finetune"
    shown = json.loads(clone.run("dvc", "metrics", "show", "--json").stdout)[""]["data"]
    plotted = clone.run("dvc", "plots", "show", "--json").stdout
    return {
        "predictions": set(out_of_fold["fold"]),
        "members": set(clone.json("metrics/ensemble.json")["members"]),
        "bundle": {int(folder.name) for folder in (clone.folder / "models" / "bundle" / "members").iterdir()},
        "heads": {int(folder.name) for folder in (clone.folder / "models" / "finetuned").iterdir()},
        "metrics": {int(file.stem) for file in (clone.folder / "metrics" / "finetune").iterdir()},
        "curves": {int(folder.name) for folder in curves.iterdir()},
        "dvc metrics": {int(name.split("/")[-1][0]) for name in shown if "finetune" in name},
        "dvc plots": {fold for fold in range(9) if f"live/finetune/{fold}/" in plotted.replace("\\\\", "/")},
    }


def test_folds_that_are_gone_leave_no_trace_and_come_back_as_they_were(
    finished: Clone, project: Clone, tally: Any
) -> None:
    two = project.results()
    project.change({"finetune.folds": [0, 1, 2], "ensemble.members": 3})
    project.repro()
    assert all(folds == {0, 1, 2} for folds in folds_in(project).values()), folds_in(project)
    three = project.results()
    page = (project.folder / "reports" / "index.html").read_text(encoding="utf-8")

    project.run("git", "checkout", "--", "params.yaml")
    printed = project.repro()
    assert "'pretrain' is cached" in printed or "'pretrain' didn't change" in printed
    assert all(folds == {0, 1} for folds in folds_in(project).values()), folds_in(project)
    assert project.results() == two == finished.results()
    assert (project.folder / "reports" / "index.html").read_text(encoding="utf-8") != page
    assert project.up_to_date()

    project.change({"finetune.folds": [0, 1, 2], "ensemble.members": 3})
    assert "Running stage 'pretrain'" not in project.repro()
    assert project.results() == three
    tally.add("faults survived")
