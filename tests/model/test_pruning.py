from __future__ import annotations

import pytest
import torch

from roadwork.model.head_config import PruningConfig
from roadwork.model.pruning import Pruning

pytestmark = pytest.mark.usefixtures("seeded")


def pruning(*, enabled: bool = True, keep: int = 3, dim: int = 6) -> Pruning:
    return Pruning(PruningConfig(enabled=enabled, keep=keep, hidden=4), dim)


def scored_by_first_channel(block: Pruning) -> Pruning:
    """The same block with a scorer that reads channel 0."""
    block.scorer = torch.nn.Linear(6, 1)
    with torch.no_grad():
        block.scorer.weight.zero_()[0, 0] = 1
        block.scorer.bias.zero_()
    return block


def test_the_best_views_stay_in_their_order_times_the_sigmoid_of_their_score():
    block = scored_by_first_channel(pruning())
    embeddings = torch.randn(1, 5, 6)
    embeddings[0, :, 0] = torch.tensor([0.5, -1.0, 2.0, -3.0, 1.0])
    chosen, kept = block(embeddings)
    assert kept.tolist() == [[0, 2, 4]]
    expected = embeddings[0, [0, 2, 4]] * torch.tensor([0.5, 2.0, 1.0]).sigmoid()[:, None]
    torch.testing.assert_close(chosen[0], expected)


def test_each_image_keeps_its_own_views():
    block = scored_by_first_channel(pruning(keep=2))
    embeddings = torch.zeros(2, 4, 6)
    embeddings[0, [1, 3], 0] = 1.0
    embeddings[1, [0, 2], 0] = 1.0
    assert block(embeddings)[1].tolist() == [[1, 3], [0, 2]]


def test_among_equal_scores_the_earlier_view_stays():
    _, kept = pruning(keep=2)(torch.ones(3, 7, 6))
    assert kept.tolist() == [[0, 1]] * 3


def test_the_scorer_has_a_gradient():
    block = pruning()
    chosen, _ = block(torch.randn(4, 5, 6))
    chosen.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in block.parameters())


def test_keeping_all_still_weighs_them():
    embeddings = torch.randn(2, 5, 6)
    block = pruning(keep=5)
    chosen, kept = block(embeddings)
    assert kept.tolist() == [[0, 1, 2, 3, 4]] * 2
    assert block.scorer is not None
    torch.testing.assert_close(chosen, embeddings * block.scorer(embeddings).sigmoid())


def test_switched_off_it_passes_everything_and_has_no_weights():
    block = pruning(enabled=False)
    embeddings = torch.randn(2, 5, 6)
    chosen, kept = block(embeddings)
    assert torch.equal(chosen, embeddings)
    assert kept.tolist() == [[0, 1, 2, 3, 4]] * 2
    assert list(block.parameters()) == []


def test_autocast_keeps_the_same_views():
    block, embeddings = pruning(keep=4, dim=64), torch.randn(64, 12, 64)
    expected = block(embeddings)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = block(embeddings)
    assert torch.equal(under_autocast[1], expected[1])
    assert torch.equal(under_autocast[0], expected[0])


def test_given_views_keep_their_own_indices():
    block = scored_by_first_channel(pruning(keep=2))
    embeddings = torch.randn(2, 4, 6)
    embeddings[:, :, 0] = torch.tensor([[0.0, 3.0, 1.0, 2.0], [3.0, 2.0, 1.0, 0.0]])
    views = torch.tensor([[0, 2, 3, 6], [1, 4, 5, 6]])
    chosen, kept = block(embeddings, views)
    assert kept.tolist() == [[2, 6], [1, 4]]
    assert torch.equal(chosen, block(embeddings)[0])
    few, all_of_them = block(embeddings[:, :1], views[:, :1])
    assert all_of_them.tolist() == [[0], [1]]
    assert few.shape == (2, 1, 6)
