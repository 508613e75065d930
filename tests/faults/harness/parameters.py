"""`params.yaml` with other values, its comments and its order kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def set_parameters(path: Path, changes: Mapping[str, Any], *, source: Path | None = None) -> None:
    """Write to `path` what `source` (None: itself) says, with the parameters `changes` by their dotted names."""
    yaml = YAML()
    params = yaml.load((source or path).read_text(encoding="utf-8"))
    for dotted, value in changes.items():
        *sections, name = dotted.split(".")
        owner = params
        for section in sections:
            owner = owner[section]
        assert name in owner, f"params.yaml has no {dotted}"
        owner[name] = value
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(params, file)
