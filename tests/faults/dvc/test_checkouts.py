"""Several checkouts: clones with and without a remote, one DVC cache for two, one embedding cache for two."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from harness.clone import Clone
from harness.under_way import under_way


def cloned(project: Clone, name: str = "second") -> Clone:
    """A fresh `git clone` beside the project, which shares its embedding cache."""
    other = Clone(project.home, name)
    project.run("git", "clone", "--quiet", str(project.folder), str(other.folder))
    return other


def damaged_objects(cache: Path) -> list[Path]:
    """Objects of a DVC cache whose content isn't what their name says."""
    objects = [file for file in (cache / "files" / "md5").rglob("*") if file.is_file()]
    assert objects
    return [
        file
        for file in objects
        if hashlib.md5(file.read_bytes()).hexdigest() != file.parent.name + file.name.removesuffix(".dir")
    ]


def test_a_clone_without_remote_makes_everything_again_and_embeds_nothing(finished: Clone, project: Clone) -> None:
    other = cloned(project)
    other.repro()
    assert other.json("metrics/embed_images.json")["computed"] == 0
    assert other.results() == finished.results()
    assert other.up_to_date()


def test_a_clone_pulls_everything_from_a_remote(finished: Clone, project: Clone, tmp_path: Path) -> None:
    project.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    project.run("dvc", "push")
    project.commit("a remote")
    other = cloned(project)
    other.run("dvc", "fetch")
    other.run("dvc", "pull")
    assert other.results() == finished.results()
    assert other.up_to_date()
    assert "Running stage" not in other.repro()
    assert not damaged_objects(tmp_path / "store")


@pytest.mark.parametrize("link", ["symlink", "hardlink"])
def test_no_stage_writes_through_a_link_into_a_shared_cache(
    finished: Clone, project: Clone, tmp_path: Path, tally: Any, link: str
) -> None:
    """Stages write aside and rename, whatever lies at the place; DVC's advice is against links all the same."""
    shared = tmp_path / "shared"
    (project.folder / ".dvc" / "cache").rename(shared)
    other = cloned(project)
    for clone in (project, other):
        clone.run("dvc", "cache", "dir", "--local", str(shared))
        clone.run("dvc", "config", "--local", "cache.type", link)
        clone.run("dvc", "checkout", "--relink")
    assert other.results() == finished.results()
    head = other.folder / "models" / "pretrained" / "head.safetensors"
    assert head.is_symlink() if link == "symlink" else head.stat().st_nlink > 1
    other.change({"pretrain.lr": 0.002, "finetune.lr": 0.002, "evaluate.resamples": 150})
    for stage in ("sampling", "pretrain", "headline", "finetune 0"):
        other.run("python", "-m", "pipeline", *stage.split())  # not by DVC, which would unlink the outputs before
    assert other.results() != finished.results()
    assert not damaged_objects(shared)
    assert project.results() == finished.results()
    assert project.up_to_date()
    tally.add("faults survived")


def test_two_checkouts_at_once_on_one_embedding_cache(finished: Clone, project: Clone, tally: Any) -> None:
    project.run("python", "-m", "pipeline", "cache", "clear", "--yes")
    other = cloned(project)
    clones = (project, other)
    project.run("dvc", "cache", "dir", "--local", str(project.folder / ".dvc" / "cache"))
    other.run("dvc", "cache", "dir", "--local", str(project.folder / ".dvc" / "cache"))
    other.run("dvc", "checkout")
    force = ("dvc", "repro", "--force", "--single-item", "embed_images")
    with under_way(project, *force) as one, under_way(other, *force) as two:
        ends = [one.end(), two.end()]
    assert [end.code for end in ends] == [0, 0], ends
    for clone in clones:
        metrics = clone.json("metrics/embed_images.json")
        assert metrics["reused"] + metrics["computed"] == metrics["rows"] == 48
        assert clone.results() == finished.results()
    assert not damaged_objects(project.folder / ".dvc" / "cache")
    tally.add("faults survived")
    tally.add("rows lost", 0)
    tally.add("rows doubled", 0)
