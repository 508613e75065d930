"""`docs/reliability.md`: every promise stands beside a test, and that test exists."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
HEAD = ["promise", "how it is kept", "test that holds it"]
GROUPS = {
    "Crash safety", "Corruption is noticed", "Beyond one machine", "Honest DVC", "Bad input", "Numbers that go wrong",
    "Determinism",
    "Security",
}  # fmt: skip


class Promise(NamedTuple):
    group: str
    text: str
    how: str
    tests: list[str]


def rows(text: str) -> list[Promise]:
    """The rows of the tables whose head is `HEAD`, each under the heading it stands below."""
    found, group, inside = [], "", False
    for line in text.splitlines():
        if line.startswith("#"):
            group = line.lstrip("# ")
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            inside = False
        elif cells == HEAD:
            inside = True
        elif inside and set(cells[0]) - set("-:"):
            promise, how, tests = cells
            found.append(Promise(group, promise, how, re.findall(r"`([^`]+)`", tests)))
    return found


PROMISES = rows(TEXT)
TESTS = sorted({test for promise in PROMISES for test in promise.tests})


def functions(file: Path) -> set[str]:
    """Names of a file's test functions, also those in classes."""
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_group_has_its_promises() -> None:
    assert {promise.group for promise in PROMISES} == GROUPS
    assert min(Counter(promise.group for promise in PROMISES).values()) >= 3


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.text[:60])
def test_every_promise_says_how_it_is_kept_and_what_holds_it(promise: Promise) -> None:
    assert promise.text
    assert promise.how
    assert promise.tests, "a promise without a test is a hope"


@pytest.mark.parametrize("test", TESTS)
def test_every_test_that_is_named_exists(test: str) -> None:
    name, _, function = test.partition("::")
    file = ROOT / name
    assert file.is_file(), f"{name} doesn't exist"
    assert function in functions(file), f"{name} has no {function}"


def test_no_promise_is_made_twice() -> None:
    repeated = [text for text, count in Counter(promise.text.lower() for promise in PROMISES).items() if count > 1]
    assert not repeated


def test_no_test_holds_everything() -> None:
    """A test that is named again and again would have to be about several things."""
    named = Counter(test for promise in PROMISES for test in promise.tests)
    assert [test for test, count in named.items() if count > 2] == []


def test_the_guard_sees_a_row_and_what_it_lacks() -> None:
    head = "## Security\n\n| promise | how it is kept | test that holds it |\n|---|---|---|\n"
    table = head + "| a \\| b | so | `x::y` |\n| c | so | |\n"
    assert rows(table) == [Promise("Security", "a \\| b", "so", ["x::y"]), Promise("Security", "c", "so", [])]
