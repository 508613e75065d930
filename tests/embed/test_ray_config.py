"""Section `embed.ray`."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from roadwork.config import load_section
from roadwork.embed.config import EmbedConfig
from roadwork.embed.ray_config import RayConfig

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_parameters_are_valid() -> None:
    ray = load_section(ROOT / "params.yaml", "embed", EmbedConfig).ray
    assert ray.address == "local"
    assert ray.decode_images == 16


@pytest.mark.parametrize(
    ("address", "valid"),
    [
        ("local", True), ("auto", True), ("10.0.0.1:6379", True), ("head.example.org:6379", True),
        ("10.0.0.1", False), ("http://head:1", False), ("user@head:1", False), ("", False), ("head:port", False),
    ],
)  # fmt: skip
def test_addresses(address: str, valid: bool) -> None:
    values = {
        "address": address, "decode_actors": "auto", "decode_cpus": 0.5, "decode_images": 1, "model_actors": 1,
        "actors_per_gpu": 1,
    }  # fmt: skip
    if valid:
        assert RayConfig.model_validate(values).address == address
    else:
        with pytest.raises(ValidationError):
            RayConfig.model_validate(values)
