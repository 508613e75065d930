"""Every parameter has an owner, every owner a section, and the page about them is current."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from pipeline.owners import OWNERS, owner
from pipeline.parameter_docs import page
from roadwork.config import SECTIONS, load_section, load_seed, read_params

ROOT = Path(__file__).resolve().parents[2]
PARAMS = ROOT / "params.yaml"
LIBRARY = "\n".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "roadwork").rglob("*.py")))


def test_sections_owners_and_file_agree() -> None:
    assert list(read_params(PARAMS)) == list(SECTIONS)
    assert ["seed", *OWNERS] == list(SECTIONS)
    assert load_seed(PARAMS) >= 0


@pytest.mark.parametrize("section", OWNERS)
def test_the_committed_values_are_valid(section: str) -> None:
    load_section(PARAMS, section, owner(section))


def leaves(config: type[BaseModel]) -> list[str]:
    found: list[str] = []
    for name, field in config.model_fields.items():
        kind: Any = field.annotation
        nested = isinstance(kind, type) and issubclass(kind, BaseModel)
        found += leaves(kind) if nested else [name]
    return found


@pytest.mark.parametrize("section", OWNERS)
def test_every_parameter_is_described_and_stands_in_the_file_only(section: str) -> None:
    def check(config: type[BaseModel]) -> None:
        for name, field in config.model_fields.items():
            assert field.description, f"{config.__name__}.{name} has no description"
            assert field.is_required(), f"{config.__name__}.{name} hides a number outside params.yaml"
            kind: Any = field.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                check(kind)

    check(owner(section))


@pytest.mark.parametrize("section", OWNERS)
def test_every_parameter_is_used(section: str) -> None:
    """Beyond its declaration each name is read somewhere as an attribute."""
    unread = [name for name in leaves(owner(section)) if not re.search(rf"\.{name}\b", LIBRARY + PIPELINE)]
    assert unread == []


PIPELINE = "\n".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "pipeline").rglob("*.py")))


def test_the_parameter_page_is_current() -> None:
    written = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    assert written == page(read_params(PARAMS)), "run `make docs`"
