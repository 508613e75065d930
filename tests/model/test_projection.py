from __future__ import annotations

import pytest
import torch

from roadwork.model.head_config import ProjectionConfig
from roadwork.model.projection import Projection

pytestmark = pytest.mark.usefixtures("seeded")


def test_a_token_is_the_linear_map_plus_the_vector_of_its_view():
    block = Projection(ProjectionConfig(dim=4, view_embedding=True), embedding_dim=6, views=5)
    embeddings, kept = torch.randn(2, 2, 6), torch.tensor([[0, 3], [2, 4]])
    assert block.view_embedding is not None
    tokens = block(embeddings, kept)
    torch.testing.assert_close(
        tokens[1, 1], block.linear.weight @ embeddings[1, 1] + block.linear.bias + block.view_embedding.weight[4]
    )


def test_the_same_content_in_another_view_is_another_token():
    block = Projection(ProjectionConfig(dim=4, view_embedding=True), embedding_dim=6, views=5)
    tokens = block(torch.ones(1, 2, 6), torch.tensor([[0, 1]]))
    assert (tokens[0, 0] - tokens[0, 1]).abs().min() > 1e-4


def test_without_view_embedding_it_is_the_same_token():
    block = Projection(ProjectionConfig(dim=4, view_embedding=False), embedding_dim=6, views=5)
    tokens = block(torch.ones(1, 2, 6), torch.tensor([[0, 1]]))
    torch.testing.assert_close(tokens[0, 0], tokens[0, 1])
    assert sum(parameter.numel() for parameter in block.parameters()) == 6 * 4 + 4


@pytest.mark.parametrize("view_embedding", [True, False])
def test_tokens_are_float32_under_autocast(view_embedding: bool):
    block = Projection(ProjectionConfig(dim=4, view_embedding=view_embedding), embedding_dim=6, views=5)
    with torch.autocast("cpu", torch.bfloat16):
        assert block(torch.randn(1, 2, 6), torch.tensor([[0, 1]])).dtype == torch.float32
