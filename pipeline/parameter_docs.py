"""Write `docs/parameters.md` from the config classes, so that page and code can't drift apart."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.owners import OWNERS, owner
from pipeline.paths import PARAMS
from roadwork.config import Section, read_params
from roadwork.publish import published_file

PAGE = Path("docs/parameters.md")
_INTRODUCTION = """# Parameters

Every number of the pipeline stands in `params.yaml`; each section is read by one config class, which refuses unknown
names, wrong types and values out of range with a message that names the parameter. This page is written from those
classes by `make docs`, and a test holds it. Change a value in the file, or for one experiment:
`dvc exp run -S pretrain.lr=1e-4`.

## `seed`

The run's one seed, an integer from 0 to 2**63 - 1. Every consumer of randomness derives its own stream from it.

As committed: `{seed}`
"""


def page(params: dict[str, Any]) -> str:
    """The whole page as Markdown, with the values of `params` as the committed ones."""
    parts = [_INTRODUCTION.format(seed=params["seed"])]
    for section in OWNERS:
        module, name = OWNERS[section].split(":")
        parts.append(f"## `{section}`\n\nRead by `{name}` in `{module.replace('.', '/')}.py`.\n")
        rows = list(_rows(owner(section), section, params[section]))
        parts.append("| parameter | takes | as committed | meaning |\n|---|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _rows(config: type[BaseModel], prefix: str, values: dict[str, Any]) -> Iterator[str]:
    for name, field in config.model_fields.items():
        dotted, value = f"{prefix}.{name}", values.get(name)
        nested = _section_of(field.annotation)
        if nested is not None and isinstance(value, dict):
            yield from _rows(nested, dotted, value)
        else:
            cells = (f"`{dotted}`", _takes(field), f"`{_yaml(value)}`", field.description or "")
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _section_of(annotation: Any) -> type[BaseModel] | None:
    for kind in (annotation, *typing.get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def _takes(field: FieldInfo) -> str:
    limits = [_limit(rule) for rule in field.metadata]
    return " ".join([_type_name(field.annotation), *(limit for limit in limits if limit)])


def _limit(rule: Any) -> str:
    for name, sign in (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"), ("multiple_of", "multiple of")):
        if getattr(rule, name, None) is not None:
            return f"{sign} {getattr(rule, name)}"
    return ""


def _type_name(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(str(argument) for argument in arguments)
    if origin is typing.Annotated:
        limits = [limit for limit in (_limit(rule) for rule in arguments[1:]) if limit]
        return " ".join([_type_name(arguments[0]), *limits])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type_name(argument) for argument in arguments)
    if origin in (tuple, list):
        return f"list of {_type_name(arguments[0])}"
    if origin is dict:
        return "mapping"
    if annotation is type(None):
        return "null"
    return {"str": "text", "int": "integer", "float": "number", "bool": "true | false"}.get(
        getattr(annotation, "__name__", ""), getattr(annotation, "__name__", str(annotation))
    )


def _yaml(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    return str(value)


def main() -> None:
    """Write the page for the parameters of the current folder."""
    text = page(read_params(PARAMS))
    with published_file(PAGE) as aside:
        aside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
