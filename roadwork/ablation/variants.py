"""The trainings that are compared: the full head, it without each part, and something else in a part's place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from roadwork.errors import ParameterError
from roadwork.views.geometry import view_names

FULL = "full"
FINETUNING = "finetuning"

_PRUNING, _LAYERS = "head.pruning.enabled", "head.attention.layers"


@dataclass(frozen=True)
class Variant:
    """One row of the table: the parameters that `changes` (by dotted path) turn the full head into it.

    `pointless` says why running it would tell nothing with the parameters at hand; empty where it would.
    """

    name: str
    title: str
    group: Literal["full", "minus", "instead"]
    changes: Mapping[str, Any]
    pointless: str = ""


def variants(params: Mapping[str, Any]) -> list[Variant]:
    """Every variant of the full head that `params` (all sections) describe, in the order of the design.

    The last but the alternatives, `finetuning`, changes no parameter: the full head's own experiments answer it.
    Raises ParameterError where `params` lack a parameter that a variant changes.
    """
    views = len(view_names(value_of(params, "views.grid")))
    wordless = [field for field in value_of(params, "metadata.fields") if field != "text"]
    folds = len(value_of(params, "finetune.folds"))
    return [
        Variant(FULL, "full head", "full", {}),
        _minus(params, "standardise", "standardisation", {"head.standardise": False}),
        _minus(params, "pruning", "view pruning", {_PRUNING: False}),
        _minus(params, "view_embedding", "the view embedding", {"head.projection.view_embedding": False}),
        _minus(params, "pyramid", "the pyramid", {"head.pyramid.enabled": False}),
        _minus(params, "attention", "attention", {_LAYERS: 0}),
        _minus(params, "gate", "the attention's gate", {"head.attention.gate": "none"}, needs=_LAYERS),
        _minus(params, "view_fusion", "view fusion", {"head.view_fusion.enabled": False}),
        _minus(params, "metadata", "metadata", {"metadata.fields": []}),
        _minus(params, "text", "the description", {"metadata.fields": wordless}),
        _minus(params, "consistency", "the consistency loss", {"loss.consistency": 0.0}),
        _minus(params, "weather", "the weather loss", {"loss.weather": 0.0}),
        _minus(params, "focal", "focal weighting (cross-entropy)", {"loss.gamma": 0.0, "loss.alpha": None}),
        _minus(params, "label_smoothing", "label smoothing", {"loss.label_smoothing": 0.0}),
        _minus(params, "gps_weighting", "GPS weighting", {"sampling.enabled": False}),
        Variant(
            FINETUNING,
            "without fine-tuning",
            "minus",
            {},
            "" if folds > 1 else f"finetune.folds lists {folds} folds, out-of-fold scores need 2",
        ),
        _instead(params, f"keep_{views}", f"pruning that keeps all {views}", {"head.pruning.keep": views}, _PRUNING),
        _instead(params, "gate_headwise", "one gate per attention head", {"head.attention.gate": "headwise"}, _LAYERS),
        _instead(
            params,
            "mean_pooling",
            "the mean of the projected views",
            {_PRUNING: False, "head.pyramid.enabled": False, _LAYERS: 0, "head.view_fusion.enabled": False},
        ),
    ]


def changed(params: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy of `params` with the values of `changes`; ParameterError for a path that isn't there."""
    copy = deepcopy(dict(params))
    for path, value in changes.items():
        value_of(copy, path)
        *sections, key = path.split(".")
        inner: Any = copy
        for section in sections:
            inner = inner[section]
        inner[key] = deepcopy(value)
    return copy


def value_of(params: Mapping[str, Any], path: str) -> Any:
    """The value at the dotted `path`; ParameterError where there is none."""
    value: Any = params
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise ParameterError(
                f"`{path}` is missing", where=f"params.yaml: {path}", rule="a variant changes it", fix=f"add `{path}`"
            )
        value = value[part]
    return value


def override(path: str, value: Any) -> str:
    """`path=value` as `dvc exp run -S` takes it."""
    return f"{path}={_hydra(value)}"


def _hydra(value: Any) -> str:
    """`value` in the grammar of Hydra's overrides, which read a bare word as a text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{','.join(_hydra(item) for item in value)}]"
    if value.replace("_", "").isalnum():
        return value
    raise ValueError(f"no variant has needed quotes so far: {value!r}")


def _minus(
    params: Mapping[str, Any], name: str, part: str, changes: Mapping[str, Any], *, needs: str | None = None
) -> Variant:
    return Variant(f"no_{name}", f"without {part}", "minus", changes, _pointless(params, changes, needs))


def _instead(
    params: Mapping[str, Any], name: str, part: str, changes: Mapping[str, Any], needs: str | None = None
) -> Variant:
    return Variant(name, part, "instead", changes, _pointless(params, changes, needs))


def _pointless(params: Mapping[str, Any], changes: Mapping[str, Any], needs: str | None) -> str:
    """Why `changes` would change nothing: all of it holds already, or the part they are about is switched off."""
    if all(value_of(params, path) == value for path, value in changes.items()):
        return "already so: " + ", ".join(override(path, value) for path, value in changes.items())
    if needs and not value_of(params, needs):
        return f"without effect while {override(needs, value_of(params, needs))}"
    return ""
