"""All sections of the parameters against each other, and against this machine.

A stage reads its own sections, and would run for hours before another stage finds the fault in its. So every stage
starts here. What it then writes doesn't depend on the other sections: this is no dependency of any stage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.owners import OWNERS, owner
from roadwork.config import Section, check_seed, parse_section, read_params
from roadwork.errors import BackboneError, ParameterError
from roadwork.user_path import user_path


def check_parameters(params: Path) -> None:
    """Raise the RoadworkError of the first fault in the parameter file `params`, before a stage runs into it."""
    _check(params)
    _check_backbone(params)


def check_before_stage(params: Path) -> None:
    """The same without the look at the model library, in milliseconds."""
    _check(params)


def _check(params: Path) -> None:
    values = read_params(params)
    check_seed(values, where=params)
    configs: dict[str, Any] = {name: _section(values, name, owner(name), params) for name in OWNERS}
    _check_members(configs, params)
    _check_views(configs, params)
    _check_text(configs, params)


def _section(values: dict[str, Any], name: str, model: type[Section], params: Path) -> Section:
    if name not in values:
        raise ParameterError(f"section `{name}` is missing", where=str(params), fix=f"add a section `{name}:`")
    return parse_section(values[name], name, model, where=params)


def _check_members(configs: dict[str, Any], params: Path) -> None:
    folds, members = len(configs["finetune"].folds), configs["ensemble"].members
    if members > folds:
        raise ParameterError(
            f"`ensemble.members` is {members}, and finetune.folds lists {folds} folds",
            where=f"{params}: ensemble.members, finetune.folds",
            rule="each member is the head of another fold",
            fix=f"set ensemble.members to {folds} or less, or list more folds",
        )


def _check_views(configs: dict[str, Any], params: Path) -> None:
    pruning, views = configs["head"].pruning, configs["views"].grid ** 2 + 3
    if pruning.enabled and pruning.keep > views:
        raise ParameterError(
            f"`head.pruning.keep` is {pruning.keep}, and an image has {views} views",
            where=f"{params}: head.pruning.keep, views.grid",
            rule="at most as many as there are views (views.grid² + 3)",
            fix=f"set it to {views} or less, or set head.pruning.enabled: false",
        )


def _check_text(configs: dict[str, Any], params: Path) -> None:
    from roadwork.embed.text_config import TEXT_DIM

    metadata = configs["metadata"]
    if "text" in metadata.fields and metadata.text_dim != TEXT_DIM:
        raise ParameterError(
            f"`metadata.text_dim` is {metadata.text_dim}, and sentence vectors have {TEXT_DIM} numbers",
            where=f"{params}: metadata.text_dim",
            rule="the width of the sentence vectors",
            fix=f"set it to {TEXT_DIM}, or take text out of metadata.fields",
        )


def _check_backbone(params: Path) -> None:
    from roadwork.embed.architecture import check_name
    from roadwork.embed.backbone_config import BackboneConfig

    config = parse_section(read_params(params)["backbone"], "backbone", BackboneConfig, where=params)
    check_name(config.name)
    if config.weights in ("pretrained", "random"):
        return
    file = user_path(config.weights, "backbone.weights")
    if not file.is_file():
        raise BackboneError(
            f"there is no weights file {config.weights}",
            where=f"{params}: backbone.weights",
            rule="`pretrained`, `random`, or the path of a file",
            fix=f"put the file at {file.absolute()}, or correct backbone.weights",
        )
