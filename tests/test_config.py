from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, model_validator

from roadwork.config import SECTIONS, Section, load_section, load_seed, parse_section, read_params
from roadwork.errors import ParameterError


class Inner(Section):
    keep: int = Field(description="how many", ge=1)
    shape: tuple[int, ...] = Field(description="sizes")


class Outer(Section):
    lr: float = Field(description="learning rate", gt=0)
    mode: Literal["fast", "exact"] = Field(description="how")
    inner: Inner = Field(description="nested")


GOOD = {"lr": 0.1, "mode": "fast", "inner": {"keep": 3, "shape": [1, 2]}}


def params(folder: Path, text: str) -> Path:
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_valid_section_becomes_an_immutable_config() -> None:
    config = parse_section(GOOD, "head", Outer, where="params.yaml")
    assert config.inner.shape == (1, 2)
    with pytest.raises(ValueError, match="frozen"):
        config.lr = 1.0  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("change", "dotted", "hint"),
    [
        ({"lrr": 1}, "head.lrr", "did you mean `head.lr`?"),
        ({"inner": {"keep": 3, "shape": [1], "kep": 1}}, "head.inner.kep", "did you mean `head.inner.keep`?"),
        ({"lr": "3e-4 per step"}, "head.lr", "valid number"),
        ({"lr": -1.0}, "head.lr", "greater than 0"),
        ({"lr": True}, "head.lr", "valid number"),
        ({"mode": "exat"}, "head.mode", "'fast' or 'exact'"),
        ({"inner": {"keep": "3", "shape": [1]}}, "head.inner.keep", "valid integer"),
        ({"inner": {"keep": 2.5, "shape": [1]}}, "head.inner.keep", "valid integer"),
        ({"inner": {"keep": 0, "shape": [1]}}, "head.inner.keep", "greater than or equal to 1"),
        ({"inner": {"shape": [1]}}, "head.inner.keep", "is missing"),
        ({"inner": None}, "head.inner", "should be an object"),
    ],
)
def test_a_fault_names_the_dotted_path_and_the_rule(change: dict[str, object], dotted: str, hint: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_section({**GOOD, **change}, "head", Outer, where="params.yaml")
    assert dotted in str(caught.value)
    assert hint.lower() in str(caught.value).lower()


def test_further_faults_are_named() -> None:
    with pytest.raises(ParameterError, match=r"wrong too: head\.(lr|mode)\)"):
        parse_section({**GOOD, "lr": -1.0, "mode": "x"}, "head", Outer, where="params.yaml")


def test_yaml_1_2_numbers_are_numbers(tmp_path: Path) -> None:
    path = params(tmp_path, "head: {lr: 3e-4, mode: fast, inner: {keep: 3, shape: []}}\n")
    assert load_section(path, "head", Outer).lr == 3e-4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pretrian: {}\n", "did you mean `pretrain`?"),
        ("seed: [1\n", "not readable as YAML"),
        ("- 1\n", "not a mapping"),
        ("head:\n  a: 1\n  a: 2\n", "not readable as YAML"),
    ],
)
def test_a_file_that_is_no_parameter_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message.replace("?", r"\?")):
        read_params(params(tmp_path, text))


def test_a_missing_file_or_section(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no parameter file"):
        read_params(tmp_path / "params.yaml")
    with pytest.raises(ParameterError, match="section `head` is missing"):
        load_section(params(tmp_path, "seed: 1\n"), "head", Outer)


@pytest.mark.parametrize("value", ["-1", "1.5", "true", "null", "seventeen", str(2**63)])
def test_a_seed_that_is_none(tmp_path: Path, value: str) -> None:
    with pytest.raises(ParameterError, match="an integer from 0"):
        load_seed(params(tmp_path, f"seed: {value}\n"))


def test_seed(tmp_path: Path) -> None:
    assert load_seed(params(tmp_path, "seed: 17\n")) == 17
    assert SECTIONS[0] == "seed"


class Part(Section):
    heads: int = Field(description="heads")
    dim: int = Field(description="size")

    @model_validator(mode="after")
    def _divisible(self) -> Part:
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} must be a multiple of heads {self.heads}")
        return self


class Choices(Section):
    workers: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(description="how many")
    limit: Annotated[int, Field(ge=1)] | None = Field(description="at most")
    parts: tuple[Part, ...] = Field(description="nested")
    either: Part | int = Field(description="one or the other")
    named: dict[str, Part] = Field(description="by name")


CHOICES = {
    "workers": "auto", "limit": None, "parts": [], "either": 1, "named": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "dotted", "rule"),
    [
        ({"workers": 0}, "embed.workers", "Input should be 'auto' or greater than or equal to 1"),
        ({"workers": 1.5}, "embed.workers", "Input should be 'auto' or a valid integer"),
        ({"limit": 0}, "embed.limit", "Input should be greater than or equal to 1"),
        ({"parts": [{"heads": 1, "dim": "x"}]}, "embed.parts.0.dim", "Input should be a valid integer"),
        ({"named": {"a": {"heads": 1, "dim": "x"}}}, "embed.named.a.dim", "Input should be a valid integer"),
    ],
)
def test_a_union_is_told_as_one_parameter_with_one_rule(change: dict[str, object], dotted: str, rule: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_section({**CHOICES, **change}, "embed", Choices, where="params.yaml")
    assert caught.value.what.startswith(f"`{dotted}` is ")
    assert "wrong too" not in caught.value.what
    assert caught.value.where == f"params.yaml: {dotted}"
    assert caught.value.rule.startswith(rule)


def test_the_branches_of_a_union_are_not_counted_as_faults() -> None:
    with pytest.raises(ParameterError, match=r"`embed.workers` is 0 \(wrong too: embed\.limit\)"):
        parse_section({**CHOICES, "workers": 0, "limit": 0}, "embed", Choices, where="params.yaml")


def test_a_field_of_a_union_s_section_keeps_its_name() -> None:
    with pytest.raises(ParameterError, match=r"`embed.either.dim` is 'x'"):
        parse_section({**CHOICES, "either": {"heads": 1, "dim": "x"}}, "embed", Choices, where="params.yaml")


@pytest.mark.parametrize(
    ("value", "model", "what"),
    [
        ({"heads": 7, "dim": 512}, Part, "`head`: dim 512 must be a multiple of heads 7"),
        (
            {**CHOICES, "parts": [{"heads": 7, "dim": 512}]},
            Choices,
            "`head.parts.0`: dim 512 must be a multiple of heads 7",
        ),
    ],
)
def test_a_rule_between_fields_is_told_without_the_section(value: object, model: type[Section], what: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_section(value, "head", model, where="params.yaml")
    assert caught.value.what == what
    assert caught.value.where == "params.yaml: head.parts.0" or model is Part
