"""Read those keys of a section that a stage needs, where another stage owns the section as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from roadwork.config import Section, parse_section, read_params
from roadwork.errors import ParameterError

S = TypeVar("S", bound=Section)


def load_part(path: Path, name: str, model: type[S]) -> S:
    """The keys of `model` out of section `name`, validated; the section's owner answers for its other keys.

    A stage that reads a section this way depends on these keys only, and doesn't import the owner (which may drag
    torch in). Raises ParameterError as `load_section` does.
    """
    section = read_params(path).get(name)
    if not isinstance(section, dict):
        raise ParameterError(f"section `{name}` is missing or empty", where=str(path), fix=f"add a section `{name}:`")
    part = {key: section[key] for key in model.model_fields if key in section}
    return parse_section(part, name, model, where=path)
