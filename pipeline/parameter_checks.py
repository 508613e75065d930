"""What no one section of `params.yaml` can check: sections against each other, and against this machine."""

from __future__ import annotations

from pathlib import Path

from pipeline.owners import OWNERS, owner
from roadwork.config import load_section, load_seed
from roadwork.errors import BackboneError, ParameterError


def check_parameters(params: Path) -> None:
    """Raise the RoadworkError of the first fault in the parameter file `params`, before a stage runs into it."""
    load_seed(params)
    for section in OWNERS:
        load_section(params, section, owner(section))
    _check_members(params)
    _check_backbone(params)


def _check_members(params: Path) -> None:
    from roadwork.evaluate.ensemble import EnsembleConfig
    from roadwork.train.finetune import FinetuneConfig

    members = load_section(params, "ensemble", EnsembleConfig).members
    folds = len(load_section(params, "finetune", FinetuneConfig).folds)
    if members > folds:
        raise ParameterError(
            f"`ensemble.members` is {members}, and finetune.folds lists {folds} folds",
            where=f"{params}: ensemble.members, finetune.folds",
            rule="each member is the head of another fold",
            fix=f"set ensemble.members to {folds} or less, or list more folds",
        )


def _check_backbone(params: Path) -> None:
    from roadwork.embed.architecture import check_name
    from roadwork.embed.backbone_config import BackboneConfig

    config = load_section(params, "backbone", BackboneConfig)
    check_name(config.name)
    if config.weights not in ("pretrained", "random") and not Path(config.weights).expanduser().is_file():
        raise BackboneError(
            f"there is no weights file {config.weights}",
            where=f"{params}: backbone.weights",
            rule="`pretrained`, `random`, or the path of a file",
            fix=f"put the file at {Path(config.weights).expanduser().absolute()}, or correct backbone.weights",
        )
