from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ablation.determinants import Determinants
from pipeline.ablation.experiments import Experiment, experiments
from pipeline.ablation.repository import git
from roadwork.ablation.variants import Variant, variants


@pytest.fixture
def project(toy: Path) -> Determinants:
    return Determinants.of(toy)


def of(project: Determinants, *names: str, fine_tune: bool = False, finished: tuple[str, ...] = ()) -> list[Experiment]:
    chosen = [variant for variant in variants(project.params) if variant.name in names]
    return experiments(chosen, (1, 2), project, finished=finished, fine_tune=fine_tune)


def test_names_tell_variant_and_seed_and_are_git_refs(project: Determinants, toy: Path) -> None:
    names = [one.name for one in of(project, *(variant.name for variant in variants(project.params)))]
    assert len(set(names)) == 18 * 2
    assert [name.rsplit("-", 1)[0] for name in names[:2]] == ["ablation-full-1", "ablation-no_standardise-1"]
    for name in names:
        git("check-ref-format", f"refs/exps/ab/cd/{name}", folder=toy)


def test_the_command_makes_the_change_and_trains_with_the_seed_up_to_the_headline(project: Determinants) -> None:
    (_, experiment) = of(project, "no_focal")
    assert experiment.command == [
        "exp", "run", "--name", experiment.name, "-S", "loss.gamma=0.0", "-S", "loss.alpha=null", "-S", "train.seed=2",
        "headline",
    ]  # fmt: skip


def test_only_the_full_head_goes_on_to_fine_tuning_and_comes_first(project: Determinants) -> None:
    found = of(project, "no_pruning", "full", "finetuning", fine_tune=True)
    assert [(one.variant.name, one.seed, one.target) for one in found] == [
        ("full", 1, "evaluate"),
        ("full", 2, "evaluate"),
        ("no_pruning", 1, "headline"),
        ("no_pruning", 2, "headline"),
    ]
    assert [one.fine_tuned for one in found] == [True, True, False, False]


def test_a_longer_experiment_that_is_finished_serves_the_shorter_ones_purpose(project: Determinants) -> None:
    longer = of(project, "full", fine_tune=True)
    found = of(project, "full", finished=(longer[1].name,))
    assert {one.seed: one.target for one in found} == {1: "headline", 2: "evaluate"}


def test_names_depend_on_the_change_not_on_the_title(project: Determinants) -> None:
    def name(changes: dict[str, object], title: str = "") -> str:
        return experiments(
            [Variant("x", title, "minus", changes)], [1], project, finished=(), fine_tune=False
        )[0].name  # fmt: skip

    assert name({"loss.weather": 0}) == name({"loss.weather": 0}, "other words")
    assert name({"loss.weather": 0}) != name({"loss.weather": 0.1})
