"""Build a timm model without weights, for one input size and one pooling, with errors that name the parameter."""

from __future__ import annotations

import difflib
import re
from typing import Any

import timm
import torch
from timm.models import get_pretrained_cfg, is_model, split_model_name_tag
from torch import nn

from roadwork.embed.pooling import MODEL_ERRORS, has_class_token
from roadwork.errors import BackboneError, ParameterError
from roadwork.views.geometry import check_size

# Arguments of timm.create_model that another parameter owns.
_OWNED = {
    "num_classes": "the backbone gives features, it has no classifier",
    "in_chans": "photographs have three channels",
    "features_only": "the backbone gives one vector per view",
    "global_pool": "set backbone.pool",
    "img_size": "set views.size_px",
    "pretrained": "set backbone.weights",
    "checkpoint_path": "set backbone.weights",
}
_MOST_BLOCKS = 1000
_LARGEST_NUMBER = 65_536
_MOST_WEIGHTS = 10**10  # the largest model of timm has 7 billion, 28 GB
_UNEXPECTED = re.compile(r"unexpected keyword argument '(\w+)'")


def create_architecture(name: str, kwargs: dict[str, Any], *, size_px: int, pool: str) -> nn.Module:
    """The timm model `name` for square inputs of `size_px`, without classifier, freshly initialised.

    `pool` is that of the config: `auto` and `cls` build the model with class-token pooling where it has one.

    `name` has passed `check_name`. Raises BackboneError when timm refuses the arguments, ParameterError for an
    argument the model doesn't take, a depth of no block, a pooling it can't do, or a size that isn't a multiple of its
    patch (naming the nearest valid ones).
    """
    _check_owned(kwargs)
    _check_depth(kwargs)
    _check_numbers(kwargs)
    arguments = {"num_classes": 0, **kwargs}
    cfg = get_pretrained_cfg(name)
    if cfg is not None and cfg.fixed_input_size:  # timm's mark of the models that take img_size
        arguments["img_size"] = size_px
    random_state = torch.random.get_rng_state()
    if kwargs:
        _check_weights(name, arguments)
        torch.random.set_rng_state(random_state)
    model = None
    if pool in ("auto", "cls"):
        model = _with_class_token(name, arguments)
        if model is None and pool == "cls":
            raise ParameterError(
                f"backbone.pool is cls, and {name} has no class token",
                where="params.yaml: backbone.pool",
                rule="cls needs a model with a class token, as DINOv3's ViTs have",
                fix="set backbone.pool to auto, mean or default",
            )
    if model is None:
        torch.random.set_rng_state(random_state)  # the failed attempt may have drawn from it
        model = _create(name, arguments)
    patch = patch_of(model)
    if patch is not None:
        check_size(size_px, patch)
    return model


def check_name(name: str) -> None:
    """Raise BackboneError, naming the nearest models, unless timm knows the model `name` and its tag."""
    base, tag = split_model_name_tag(name)
    if not is_model(base):
        near = difflib.get_close_matches(base, timm.list_models(), n=3, cutoff=0.5)
        raise _unknown(f"timm {timm.__version__} has no model {base!r}", near)
    try:
        get_pretrained_cfg(name)
    except RuntimeError:
        near = sorted(timm.list_pretrained(f"{base}.*"))
        raise _unknown(f"timm {timm.__version__} knows no weights {tag!r} of {base}", near) from None


def patch_of(model: nn.Module) -> int | None:
    """Side in px of the patches that a vision transformer cuts its input into; None for a convolutional network."""
    patch = getattr(getattr(model, "patch_embed", None), "patch_size", None)
    if patch is None:
        return None
    return int(patch if isinstance(patch, int) else patch[0])


def _with_class_token(name: str, arguments: dict[str, Any]) -> nn.Module | None:
    """The model pooled by its class token, or None where it can't be.

    timm has no question to ask beforehand: models without a class token refuse `token` in various ways, or ignore it.
    Whatever else is wrong with the arguments shows again when the model is built with its own pooling.
    """
    try:
        model = timm.create_model(name, **arguments, global_pool="token")
    except MODEL_ERRORS:
        return None
    return model if has_class_token(model) else None


def _create(name: str, arguments: dict[str, Any]) -> nn.Module:
    try:
        return timm.create_model(name, **arguments)
    except MODEL_ERRORS as error:
        unexpected = _UNEXPECTED.search(str(error))
        if unexpected is None:
            raise BackboneError(
                f"timm can't build {name}: {error}",
                where="params.yaml: backbone.kwargs, views.size_px",
                rule=f"timm.create_model is called with {arguments}",
                fix="correct the arguments, or set backbone.kwargs to {}",
            ) from error
        key = unexpected.group(1)
        raise ParameterError(
            f"{name} takes no argument `{key}`",
            where=f"params.yaml: backbone.kwargs.{key}",
            rule="backbone.kwargs are arguments of the model named in backbone.name",
            fix=f"take {key} out of backbone.kwargs (with dvc exp run: -S '~backbone.kwargs.{key}')",
        ) from error


def _check_owned(kwargs: dict[str, Any]) -> None:
    for key, reason in _OWNED.items():
        if key in kwargs:
            raise ParameterError(
                f"`backbone.kwargs.{key}` can't be set", where=f"params.yaml: backbone.kwargs.{key}", rule=reason,
                fix=f"take {key} out of backbone.kwargs",
            )  # fmt: skip


def _check_depth(kwargs: dict[str, Any]) -> None:
    """timm builds a model of no block without a word: its vectors would be those of the patches alone."""
    depth = kwargs.get("depth")
    if isinstance(depth, int) and depth > _MOST_BLOCKS:
        raise ParameterError(
            f"backbone.kwargs.depth is {depth}", where="params.yaml: backbone.kwargs.depth",
            rule=f"at most {_MOST_BLOCKS} blocks", fix="lower it, or take depth out of backbone.kwargs",
        )  # fmt: skip
    if isinstance(depth, int) and depth < 1:
        raise ParameterError(
            f"backbone.kwargs.depth is {depth}: a model without a block", where="params.yaml: backbone.kwargs.depth",
            rule="at least 1 block", fix="raise it, or take depth out of backbone.kwargs for the whole model",
        )  # fmt: skip


def _check_numbers(kwargs: dict[str, Any]) -> None:
    left = [(f"backbone.kwargs.{key}", value) for key, value in kwargs.items()]
    for dotted, value in left:
        if isinstance(value, dict):
            left += [(f"{dotted}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list | tuple):
            left += [(f"{dotted}.{index}", inner) for index, inner in enumerate(value)]
        elif isinstance(value, int | float) and not abs(value) <= _LARGEST_NUMBER:
            raise ParameterError(
                f"`{dotted}` is {value:g}", where=f"params.yaml: {dotted}",
                rule=f"no number of a model is above {_LARGEST_NUMBER}", fix="correct it, or take it out",
            )  # fmt: skip


def _check_weights(name: str, arguments: dict[str, Any]) -> None:
    """Count the weights before any memory is taken for them; what can't be built at all is told when it is."""
    try:
        with torch.device("meta"):
            model = timm.create_model(name, **arguments)
    except MODEL_ERRORS:
        return
    weights = sum(parameter.numel() for parameter in model.parameters())
    if weights > _MOST_WEIGHTS:
        raise ParameterError(
            f"{name} with these arguments has {weights:,} weights",
            where="params.yaml: backbone.kwargs",
            rule=f"at most {_MOST_WEIGHTS:,}, which are 40 GB",
            fix="lower the numbers in backbone.kwargs, or set it to {}",
        )


def _unknown(what: str, near: list[str]) -> BackboneError:
    return BackboneError(
        what,
        where="params.yaml: backbone.name",
        rule="a model of timm.list_models(), with a tag of timm.list_pretrained() or none",
        fix=f"nearest: {', '.join(near)}" if near else "see timm.list_models()",
    )
