from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from roadwork.model.fusion import Fusion

pytestmark = pytest.mark.usefixtures("seeded")


def test_the_formula():
    block, vision, facts = Fusion(6, 4, 0.0), torch.randn(2, 6), torch.randn(2, 4)
    linear = block.merge[0]
    expected = F.gelu(F.layer_norm(linear(torch.cat([vision, facts], dim=1)), (6,)))
    torch.testing.assert_close(block(vision, facts), expected)


def test_without_facts_it_is_a_layer_on_the_vision_vector():
    block, vision = Fusion(6, 0, 0.0), torch.randn(2, 6)
    assert tuple(block.merge[0].weight.shape) == (6, 6)
    torch.testing.assert_close(block(vision, torch.zeros(2, 0)), F.gelu(F.layer_norm(block.merge[0](vision), (6,))))


def test_dropout_acts_in_training_only():
    block, vision, facts = Fusion(64, 4, 0.5), torch.randn(2, 64), torch.randn(2, 4)
    assert not torch.equal(block(vision, facts), block(vision, facts))
    block.eval()
    assert torch.equal(block(vision, facts), block(vision, facts))
