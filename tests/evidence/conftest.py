"""Small heads, and images for them, in memory."""

import numpy as np
import pytest
import torch

from roadwork.config import parse_section, read_params
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.embeddings import Resident
from roadwork.train.features import FeatureTable
from roadwork.train.pretrain import fresh_head

VIEWS, DIM = 12, 10


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """Every test here works on small tensors."""


@pytest.fixture(scope="session")
def small_spec(request):
    """`small_spec(dim=10, keep=8)`: the committed head with thin layers, for `dim` numbers of 12 views."""
    params = request.config.rootpath / "params.yaml"

    def build(*, dim=DIM, keep=8, width=16, **pruning):
        sections = read_params(params)
        head = sections["head"]
        head["pruning"] |= {"keep": keep, "hidden": 32} | pruning
        head["projection"]["dim"] = width
        head["pyramid"]["dims"] = [width, width // 2, width // 4]
        head["attention"] |= {"layers": 1, "heads": 4}
        head["view_fusion"] |= {"heads": 4, "gate_hidden": 32}
        head["classifier"]["hidden"] = 32
        return HeadSpec(
            head=parse_section(head, "head", HeadConfig, where=params),
            metadata=parse_section(sections["metadata"], "metadata", MetadataConfig, where=params),
            embedding_dim=dim,
            views=VIEWS,
        )

    return build


@pytest.fixture(scope="session")
def table_of(small_spec):
    """`table_of(embeddings, labels, split)`: images of which nothing else is known."""

    def build(embeddings, labels=None, split=None):
        images = len(embeddings)
        return FeatureTable(
            image_ids=[f"{image:064x}" for image in range(images)],
            embeddings=Resident(embeddings),
            metadata=Metadata.null(images, small_spec().metadata),
            labels=torch.full((images,), -1) if labels is None else labels,
            split=np.full(images, "") if split is None else split,
            block=np.arange(images, dtype=np.int32),
            roles=np.empty((images, 0), dtype=np.str_),
            fingerprint="f" * 64,
            digest="d" * 64,
        )

    return build


@pytest.fixture(scope="session")
def table(table_of):
    """Nine images of noise."""
    return table_of(torch.randn(9, VIEWS, DIM, generator=torch.Generator().manual_seed(3)).half())


@pytest.fixture(scope="session")
def make_head(small_spec):
    """`make_head(seed)`: an untrained head, its standardisation not the identity."""

    def build(seed, **changes):
        head = fresh_head(small_spec(**changes), seed).eval()
        head.fit_standardisation(torch.randn(40, VIEWS, DIM, generator=torch.Generator().manual_seed(seed)) + 0.5)
        return head

    return build
