"""Section `embed`."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadwork.config import load_section, parse_section
from roadwork.embed.config import EmbedConfig
from roadwork.errors import ParameterError

COMMITTED = Path(__file__).resolve().parents[2] / "params.yaml"


def test_the_committed_parameters_fit() -> None:
    config = load_section(COMMITTED, "embed", EmbedConfig)
    assert config.engine == "local"
    assert config.block_images > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("engine", "cloud"), ("device", "gpu"), ("device", "cuda:"), ("decode_workers", 0), ("decode_workers", "many"),
        ("batch_images", -1), ("batch_images", 1.5), ("block_images", 0), ("compile", "no"),
    ],
)  # fmt: skip
def test_a_bad_value_names_its_parameter(name: str, value: object) -> None:
    good = load_section(COMMITTED, "embed", EmbedConfig).model_dump()
    with pytest.raises(ParameterError, match=rf"embed\.{name}"):
        parse_section({**good, name: value}, "embed", EmbedConfig, where=COMMITTED)


@pytest.mark.parametrize(("name", "value"), [("device", "cuda:1"), ("decode_workers", 3), ("batch_images", "auto")])
def test_good_values_are_kept(name: str, value: object) -> None:
    good = load_section(COMMITTED, "embed", EmbedConfig).model_dump()
    assert getattr(parse_section({**good, name: value}, "embed", EmbedConfig, where=COMMITTED), name) == value
