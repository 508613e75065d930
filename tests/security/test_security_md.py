"""SECURITY.md promises only what a test holds."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_named_test_exists() -> None:
    file, named = "", []
    for path, name in re.findall(r"`(tests/[\w/.]+)?::(\w+)`", PAGE):
        file = path or file
        named.append((file, name))
    assert len(named) > 15
    missing = [
        f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_every_measure_has_one() -> None:
    table = PAGE[PAGE.index("| measure | test |") :].split("\n\n")[0].splitlines()[2:]
    assert len(table) >= 10
    assert [row for row in table if "::test_" not in row] == []


def test_no_address_is_invented() -> None:
    assert not re.search(r"[\w.]+@[\w-]+\.\w+", PAGE)
