"""What people do every day: switch, clean up, force, commit, go back."""

from __future__ import annotations

from harness.clone import Clone
from harness.under_way import epochs, under_way

TRAINED = {"pretrain.lr": 0.002}


def test_a_repro_leaves_nothing_to_do_and_nothing_to_commit(project: Clone) -> None:
    assert project.up_to_date()
    assert "Running stage" not in project.repro()
    project.run("dvc", "commit")
    assert project.run("git", "status", "--porcelain").stdout == ""


def test_forced_stages_give_the_same_bytes(finished: Clone, project: Clone) -> None:
    project.repro("--force", "--single-item", "pretrain", "finetune@0", "ensemble")
    assert project.results() == finished.results()
    lock = (project.folder / "dvc.lock").read_bytes()
    assert "Running stage" not in project.repro("finetune@0")
    assert (project.folder / "dvc.lock").read_bytes() == lock


def test_back_to_earlier_parameters_runs_nothing_and_restores(finished: Clone, project: Clone) -> None:
    project.change(TRAINED)
    project.repro("headline")
    assert project.results() != finished.results()
    project.run("git", "checkout", "--", "params.yaml")
    printed = project.repro("headline")
    assert project.results() == finished.results()
    assert "Running stage" not in printed
    assert "'pretrain' is cached - skipping run" in printed


def test_an_earlier_commit_is_restored_by_a_checkout(finished: Clone, project: Clone) -> None:
    project.change(TRAINED)
    project.repro("headline")
    project.commit("another head")
    later = project.results()
    project.run("git", "checkout", "--quiet", "HEAD~1")
    project.run("dvc", "checkout")
    assert project.results() == finished.results()
    assert project.up_to_date()
    project.run("git", "checkout", "--quiet", "main")
    project.run("dvc", "checkout")
    assert project.results() == later


def test_after_gc_everything_that_is_needed_is_there(finished: Clone, project: Clone) -> None:
    project.run("dvc", "exp", "run", "-S", "evaluate.resamples=150", "-n", "other", "headline")
    project.run("dvc", "gc", "--all-experiments", "--force")
    project.run("dvc", "exp", "apply", "other")
    assert project.json("metrics/headline.json")["resamples"] == 150
    project.run("git", "reset", "--hard", "--quiet")
    project.run("dvc", "checkout")
    assert project.results() == finished.results()

    project.run("dvc", "gc", "--workspace", "--force")
    assert not list((project.folder / ".dvc" / "cache" / "runs").rglob("*.yaml")), (
        "DVC's memory of earlier runs is gone"
    )
    assert project.up_to_date()
    project.run("rm", "-rf", "models/pretrained", "models/bundle", "features/images.zarr")
    project.run("dvc", "checkout")
    assert project.results() == finished.results()
    project.change({"evaluate.resamples": 150})
    project.repro("headline")
    project.run("git", "checkout", "--", "params.yaml")
    project.repro("headline")
    assert project.json("metrics/headline.json") == finished.json("metrics/headline.json")


def test_a_second_repro_at_once_is_refused_by_dvc_and_spoils_nothing(project: Clone) -> None:
    project.change({"pretrain.epochs": 10, "pretrain.patience": 10})
    with under_way(project, "dvc", "repro", "pretrain") as first:
        held = first.stage("pretrain", epochs(project, 1))
        refused = project.repro("pretrain", code=255)
        assert "busy" in refused or "Unable to acquire lock" in refused, refused
        assert "Traceback" not in refused
        held.resume()
        ended = first.end()
    assert ended.code == 0, ended.printed
    project.run("dvc", "status", "pretrain")
    made = project.results()
    project.repro("--force", "--single-item", "pretrain")
    assert project.results() == made
