"""How one vector per view is taken from a model's last layer."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from roadwork.errors import ParameterError

Ask = Literal["auto", "cls", "mean", "default"]

# What timm's models raise for arguments or inputs that they can't take: they check with assert, or not at all.
MODEL_ERRORS = (AssertionError, TypeError, ValueError, RuntimeError, KeyError, AttributeError, NotImplementedError)

_NAMES = {"token": "cls", "avg": "mean"}  # nosec B105  # a class token is no password


def has_class_token(model: nn.Module) -> bool:
    """Whether `model` carries a learned class token."""
    return getattr(model, "cls_token", None) is not None


def own_pool(model: nn.Module) -> str:
    """The pooling `model` was built with: `cls`, `mean`, or timm's word for another one (`map`, `avgmax`, ...)."""
    head = getattr(model, "head", None)
    for holder in (getattr(head, "global_pool", None), getattr(model, "global_pool", None)):
        word = getattr(holder, "pool_type", holder)
        if isinstance(word, str) and word:
            return _NAMES.get(word, word)
    return "default"


def resolve_pool(asked: Ask, model: nn.Module) -> str:
    """The pooling that `pool_features` will do for a model of `create_architecture` built with the same `asked`.

    Raises ParameterError for `mean` of a model that neither averages by itself nor tells its patch tokens apart.
    """
    own = own_pool(model)
    if asked != "mean" or own == "mean":
        return own
    if not hasattr(model, "num_prefix_tokens"):
        raise ParameterError(
            f"backbone.pool is mean, this model pools by {own} and doesn't tell its patch tokens apart",
            where="params.yaml: backbone.pool",
            rule="mean needs a model that averages by itself, or tells how many tokens come before its patches",
            fix="set backbone.pool to auto or default",
        )
    return "mean"


def pool_features(model: nn.Module, pixels: Tensor, pool: str) -> Tensor:
    """One vector per view, `[view dim]`, of normalised `pixels` `[view 3 height width]`.

    `mean` of a model that pools otherwise is the mean of its normed patch tokens, without class token and registers.
    """
    if pool == own_pool(model):
        return model(pixels)
    tokens = model.forward_features(pixels)  # pyright: ignore[reportCallIssue]
    return tokens[:, model.num_prefix_tokens :].mean(dim=1)
