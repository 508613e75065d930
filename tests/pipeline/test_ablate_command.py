from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline import ablate
from pipeline.ablation import listing
from pipeline.app import app
from pipeline.outcome import Outcome

RUNNER = CliRunner()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What the two commands were called with; the first says that an experiment is missing."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def fake(name: str, passed: bool) -> Any:
        return lambda **given: seen.append((name, given)) or Outcome({"name": name}, f"text of {name}", passed)

    monkeypatch.setattr(ablate, "run", fake("run", False))
    monkeypatch.setattr(listing, "run", fake("list", True))
    return seen


def test_three_seeds_two_at_a_time(calls: list[Any]) -> None:
    result = RUNNER.invoke(app, ["ablate"])
    assert calls == [("run", {"seeds": 3, "jobs": 2, "only": ()})]
    assert result.stdout == "text of run\n"
    assert result.exit_code == 1


def test_every_option_arrives(calls: list[Any]) -> None:
    result = RUNNER.invoke(app, ["ablate", "--seeds", "5", "-j", "4", "--only", "a", "--only", "b", "--json"])
    assert calls == [("run", {"seeds": 5, "jobs": 4, "only": ["a", "b"]})]
    assert json.loads(result.stdout) == {"name": "run"}


def test_list_runs_nothing(calls: list[Any]) -> None:
    result = RUNNER.invoke(app, ["ablate", "--list", "--only", "a"])
    assert calls == [("list", {"seeds": 3, "only": ["a"]})]
    assert result.stdout == "text of list\n"
    assert result.exit_code == 0


@pytest.mark.parametrize("option", [["--seeds", "0"], ["-j", "0"]])
def test_at_least_one_seed_and_one_job(option: list[str], calls: list[Any]) -> None:
    assert RUNNER.invoke(app, ["ablate", *option]).exit_code == 2
    assert calls == []
