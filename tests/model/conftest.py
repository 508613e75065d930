"""Specs and inputs for the head's tests: the committed parameters, and the same blocks at toy sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from roadwork.config import parse_section, read_params
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
TOY = {
    "head.dropout": 0.0,
    "head.pruning.keep": 3,
    "head.pruning.hidden": 8,
    "head.projection.dim": 16,
    "head.pyramid.dims": [16, 8, 4],
    "head.attention.layers": 2,
    "head.attention.heads": 4,
    "head.view_fusion.heads": 4,
    "head.view_fusion.gate_hidden": 8,
    "head.classifier.hidden": 8,
    "metadata.dropout": 0.0,
    "metadata.gps_dim": 8,
    "metadata.category_dim": 4,
    "metadata.text_dim": 6,
}


def spec_of(changes: dict[str, Any], *, embedding_dim: int, views: int) -> HeadSpec:
    """The committed parameters with `changes` (dotted path to value)."""
    params = read_params(PARAMS)
    for path, value in changes.items():
        *parents, last = path.split(".")
        section = params
        for parent in parents:
            section = section[parent]
        assert last in section, path
        section[last] = value
    return HeadSpec(
        head=parse_section(params["head"], "head", HeadConfig, where=PARAMS),
        metadata=parse_section(params["metadata"], "metadata", MetadataConfig, where=PARAMS),
        embedding_dim=embedding_dim,
        views=views,
    )


@pytest.fixture(scope="session")
def default_spec() -> HeadSpec:
    """The head as committed, on the production backbone's embeddings."""
    return spec_of({}, embedding_dim=1280, views=12)


@pytest.fixture(scope="session")
def toy_spec() -> Callable[..., HeadSpec]:
    """`toy_spec({"head.pruning.keep": 2})`: a head of a few thousand weights on 5 views of 10 numbers."""

    def build(changes: dict[str, Any] | None = None, *, embedding_dim: int = 10, views: int = 5) -> HeadSpec:
        return spec_of({**TOY, **(changes or {})}, embedding_dim=embedding_dim, views=views)

    return build


@pytest.fixture
def some_metadata() -> Callable[[int, MetadataConfig], Metadata]:
    """Seeded metadata for `images` images; in every second image nothing is known."""

    def build(images: int, config: MetadataConfig) -> Metadata:
        generator = torch.Generator().manual_seed(5)

        def category(name: str) -> Tensor:
            return torch.randint(config.null_index(name), (images,), generator=generator)  # pyright: ignore[reportArgumentType]

        known = Metadata(
            gps_deg=torch.rand(images, 2, generator=generator) * 90,
            gps_present=torch.ones(images, dtype=torch.bool),
            weather=category("weather"),
            daytime=category("daytime"),
            scene=category("scene"),
            text=torch.nn.functional.normalize(torch.randn(images, config.text_dim, generator=generator)),
        )
        return known.hide(torch.arange(images) % 2 == 1)

    return build


@pytest.fixture
def seeded():
    """Torch's global generator at a fixed point, put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        yield
