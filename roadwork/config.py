"""Read one section of `params.yaml` into the frozen config class that its owner defines.

This module knows the names of the sections but none of their classes, so that a change to one owner's config never
re-runs another owner's stage.
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from roadwork.errors import ParameterError

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

    Raises ParameterError when the file is missing, isn't YAML, or names a section that doesn't exist.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if not path.is_file():
        raise ParameterError(
            "there is no parameter file", where=str(path), fix="run this in the project's folder, or pass --params FILE"
        )
    try:
        params = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"not readable as YAML: {error}", where=str(path), fix="mend the syntax") from error
    if not isinstance(params, dict):
        raise ParameterError("not a mapping of sections", where=str(path), rule=f"sections: {', '.join(SECTIONS)}")
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
        return model.model_validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        raise _explained(error, name, model, Path(where)) from None


def load_seed(path: Path) -> int:
    """The run's one seed, a non-negative integer below 2**63."""
    params = read_params(path)
    seed = params.get("seed")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise ParameterError(
            f"seed is {seed!r}",
            where=f"{path}: seed",
            rule="an integer from 0 to 2**63 - 1",
            fix="for example seed: 17",
        )
    return seed


def _explained(error: ValidationError, name: str, model: type[Section], path: Path) -> ParameterError:
    faults = error.errors(include_url=False)
    first = faults[0]
    loc = [str(part) for part in first["loc"]]
    dotted = ".".join([name, *loc])
    if first["type"] == "extra_forbidden":
        owner = _owner(model, loc[:-1])
        return _unknown(path, dotted, [f"{'.'.join([name, *loc[:-1]])}.{key}" for key in owner])
    if first["type"] == "missing":
        return ParameterError(f"`{dotted}` is missing", where=f"{path}: {dotted}", fix=f"add `{loc[-1]}:` to it")
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    message = first["msg"].removeprefix("Value error, ")
    return ParameterError(
        f"`{dotted}` is {first.get('input')!r}{more}",
        where=f"{path}: {dotted}",
        rule=message,
        fix="see docs/parameters.md for what each parameter takes",
    )


def _unknown(path: Path, dotted: str, valid: tuple[str, ...] | list[str]) -> ParameterError:
    near = difflib.get_close_matches(dotted, valid, n=1, cutoff=0.4)
    fix = f"did you mean `{near[0]}`?" if near else f"valid names: {', '.join(valid)}"
    return ParameterError(f"unknown parameter `{dotted}`", where=f"{path}: {dotted}", fix=fix)


def _owner(model: type[BaseModel], loc: list[str]) -> list[str]:
    """Field names of the (nested) config class that `loc` leads to."""
    current: Any = model
    for part in loc:
        field = current.model_fields.get(part) if isinstance(current, type) and issubclass(current, BaseModel) else None
        if field is None:
            return []
        current = field.annotation
    if isinstance(current, type) and issubclass(current, BaseModel):
        return list(current.model_fields)
    return []
