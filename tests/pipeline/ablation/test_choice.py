from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.ablation.choice import choice
from roadwork.ablation.variants import changed
from roadwork.config import read_params
from roadwork.errors import ParameterError


@pytest.fixture
def params() -> dict[str, Any]:
    return read_params(Path(__file__).resolve().parents[3] / "params.yaml")


def test_without_a_choice_everything_is_chosen(params: dict[str, Any]) -> None:
    found = choice(params, ())
    assert found.chosen == found.every
    assert len(found.every) == 19
    assert found.skipped == []
    assert found.fine_tune


def test_the_full_head_is_always_among_them(params: dict[str, Any]) -> None:
    found = choice(params, ["no_text", "no_gate"])
    assert [variant.name for variant in found.chosen] == ["full", "no_gate", "no_text"]
    assert len(found.every) == 19
    assert not found.fine_tune
    assert choice(params, ["finetuning"]).fine_tune


def test_pointless_variants_are_skipped_and_refused_when_asked_for(params: dict[str, Any]) -> None:
    without = changed(params, {"loss.weather": 0})
    assert [variant.name for variant in choice(without, ()).skipped] == ["no_weather"]
    assert "no_weather" not in [variant.name for variant in choice(without, ()).every]
    with pytest.raises(ParameterError, match=r"(?s)`no_weather` would tell nothing.*already so: loss\.weather"):
        choice(without, ["no_weather"])


@pytest.mark.parametrize(("name", "fix"), [("pruning", "did you mean `no_pruning`"), ("xyz", "valid names: full, no_")])
def test_an_unknown_name_gets_the_nearest_or_all(name: str, fix: str, params: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=f"(?s)no variant `{name}`.*{fix}"):
        choice(params, [name])
