"""Read one section of `params.yaml` into the frozen config class that its owner defines.

This module knows the names of the sections but none of their classes, so that a change to one owner's config never
re-runs another owner's stage.
"""

from __future__ import annotations

import difflib
import json
import reprlib
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from roadwork.errors import ParameterError
from roadwork.yaml_file import read_yaml

SECTIONS = (
    "seed", "ingest", "views", "backbone", "embed", "text", "metadata", "sampling",
    "head", "loss", "train", "pretrain", "finetune", "ensemble", "evaluate", "report",
)  # fmt: skip


class Section(BaseModel):
    """Base of every config class: immutable, keyword-only, unknown keys refused, every field described."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


S = TypeVar("S", bound=Section)


def read_params(path: Path) -> dict[str, Any]:
    """All of `params.yaml` as plain values (YAML 1.2, as DVC reads it).

    Raises ParameterError when the file is missing, isn't YAML of a sane size, or names a section that doesn't exist.
    """
    params = read_yaml(path)
    if not isinstance(params, dict):
        raise ParameterError(
            "not a mapping of sections",
            where=str(path),
            rule=f"sections: {', '.join(SECTIONS)}",
            fix="take the file back from Git, or pass the right one with --params FILE",
        )
    for name in params:
        if name not in SECTIONS:
            raise _unknown(path, str(name), SECTIONS)
    return params


def load_section(path: Path, name: str, model: type[S]) -> S:
    """Section `name` of the parameter file `path`, validated by its owner's class.

    Raises ParameterError that names the dotted path, the rule, what was given and, for an unknown key, the nearest
    valid name.
    """
    params = read_params(path)
    if name not in params:
        raise ParameterError(f"section `{name}` is missing", where=str(path), fix=f"add a section `{name}:`")
    return parse_section(params[name], name, model, where=path)


def parse_section(value: Any, name: str, model: type[S], *, where: Path | str) -> S:
    """`value` as the config class `model`; the errors are those of `load_section`.

    Validation is strict in the JSON sense: a list may become a tuple, but "3" is no integer and 1 is no boolean.
    """
    try:
        return model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise _explained(error, name, model, Path(where)) from None


def load_seed(path: Path) -> int:
    """The run's one seed, a non-negative integer below 2**63."""
    return check_seed(read_params(path), where=path)


def check_seed(params: dict[str, Any], *, where: Path) -> int:
    """The seed in `params`, as `load_seed` gives it."""
    seed = params.get("seed")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise ParameterError(
            f"seed is {reprlib.repr(seed)}",
            where=f"{where}: seed",
            rule="an integer from 0 to 2**63 - 1",
            fix="for example seed: 17",
        )
    return seed


def _explained(error: ValidationError, name: str, model: type[Section], path: Path) -> ParameterError:
    faults = error.errors(include_url=False)
    # A misspelt key is missing, too; its own name says more.
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    keys, types = _named(model, first["loc"])
    dotted = ".".join([name, *keys])
    if first["type"] == "extra_forbidden":
        _, owners = _named(model, first["loc"][:-1])
        return _unknown(path, dotted, [".".join([name, *keys[:-1], key]) for key in _fields(owners)])
    if first["type"] == "missing":
        return ParameterError(f"`{dotted}` is missing", where=f"{path}: {dotted}", fix=f"add `{keys[-1]}:` to it")
    paths = [_named(model, fault["loc"])[0] for fault in faults]
    others = dict.fromkeys(".".join([name, *other]) for other in paths if other != keys)
    more = f" (wrong too: {', '.join(others)})" if others else ""
    rules = [fault["msg"].removeprefix("Value error, ") for fault, at in zip(faults, paths, strict=True) if at == keys]
    fix = "see docs/parameters.md for what each parameter takes"
    if first["type"] == "value_error" and _fields(types):  # a rule between fields, whose value is the whole section
        return ParameterError(f"`{dotted}`: {rules[0]}{more}", where=f"{path}: {dotted}", fix=fix)
    return ParameterError(
        f"`{dotted}` is {reprlib.repr(first.get('input'))}{more}",
        where=f"{path}: {dotted}",
        rule=_either(rules),
        fix=fix,
    )


def _either(rules: list[str]) -> str:
    """The rules of a union's branches as one."""
    common = "Input should be "
    if all(rule.startswith(common) for rule in rules):
        return common + " or ".join(dict.fromkeys(rule.removeprefix(common) for rule in rules))
    return " or ".join(dict.fromkeys(rules))


def _unknown(path: Path, dotted: str, valid: tuple[str, ...] | list[str]) -> ParameterError:
    near = difflib.get_close_matches(dotted, valid, n=1, cutoff=0.4)
    fix = f"did you mean `{near[0]}`?" if near else f"valid names: {', '.join(valid)}"
    return ParameterError(f"unknown parameter `{dotted}`", where=f"{path}: {dotted}", fix=fix)


def _named(model: type[BaseModel], loc: tuple[str | int, ...]) -> tuple[list[str], list[Any]]:
    """The parts of `loc` that stand in the file, without pydantic's names of a union's branches; the types there."""
    keys: list[str] = []
    types: list[Any] = [model]
    branch_named = False
    for part in loc:
        if len(types) > 1 and not branch_named:
            branch_named = True
            continue
        keys.append(str(part))
        types = [inner for outer in types for inner in _inside(outer, part)]
        branch_named = False
    return keys, types


def _inside(outer: Any, part: str | int) -> list[Any]:
    """The branches of the type at the field, key or index `part` of a value of the type `outer`."""
    arguments = get_args(outer)
    if get_origin(outer) is dict:
        return _branches(arguments[1])
    if isinstance(part, int) and arguments:
        fixed = get_origin(outer) is tuple and arguments[-1] is not Ellipsis
        return _branches(arguments[part if fixed and part < len(arguments) else 0])
    field = outer.model_fields.get(part) if _is_config(outer) else None
    return [] if field is None else _branches(field.annotation)


def _branches(annotation: Any) -> list[Any]:
    """What a value may be by `annotation`, `None` apart: pydantic names no branch where only that is added."""
    if get_origin(annotation) is Annotated:
        return _branches(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [inner for part in get_args(annotation) if part is not type(None) for inner in _branches(part)]
    return [annotation]


def _fields(types: list[Any]) -> list[str]:
    """Field names of the config classes among `types`."""
    return [name for kind in types if _is_config(kind) for name in kind.model_fields]


def _is_config(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
