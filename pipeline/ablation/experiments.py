"""The ablation's experiments and their names."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.ablation.determinants import Determinants
from roadwork.ablation.variants import FINETUNING, FULL, Variant, override

PREFIX = "ablation-"
_SHORT_TARGET, _LONG_TARGET = "headline", "evaluate"
_NAME_DIGITS = 10


@dataclass(frozen=True)
class Experiment:
    """One variant trained with one seed, up to the stage `target`.

    The name is a function of all that decides the result, so an experiment that was once finished is found again
    whatever has been committed since.
    """

    variant: Variant
    seed: int
    target: str
    name: str

    @property
    def changes(self) -> dict[str, Any]:
        """The parameters that make it, by dotted path."""
        return _changes(self.variant, self.seed)

    @property
    def command(self) -> list[str]:
        """What `dvc` is told to run."""
        settings = [part for path, value in self.changes.items() for part in ("-S", override(path, value))]
        return ["exp", "run", "--name", self.name, *settings, self.target]

    @property
    def fine_tuned(self) -> bool:
        """Whether it goes on to fine-tuning and the out-of-fold scores."""
        return self.target == _LONG_TARGET


def experiments(
    variants: Sequence[Variant],
    seeds: Sequence[int],
    project: Determinants,
    *,
    finished: Container[str],
    fine_tune: bool,
) -> list[Experiment]:
    """The experiments of `variants`, those that take longest first, then seed by seed.

    The full head's go on to fine-tuning where `fine_tune` asks for it, or where the longer one is among the names
    `finished`. `finetuning` has no experiments of its own: these answer it.
    """
    found = []
    for seed in seeds:
        for variant in variants:
            if variant.name == FINETUNING:
                continue
            experiment = _experiment(variant, seed, _SHORT_TARGET, project)
            if variant.name == FULL:
                longer = _experiment(variant, seed, _LONG_TARGET, project)
                experiment = longer if fine_tune or longer.name in finished else experiment
            found.append(experiment)
    return sorted(found, key=lambda experiment: not experiment.fine_tuned)


def _experiment(variant: Variant, seed: int, target: str, project: Determinants) -> Experiment:
    digest = project.digest(_changes(variant, seed), target)
    return Experiment(variant, seed, target, f"{PREFIX}{variant.name}-{seed}-{digest[:_NAME_DIGITS]}")


def _changes(variant: Variant, seed: int) -> dict[str, Any]:
    return {**variant.changes, "train.seed": seed}
