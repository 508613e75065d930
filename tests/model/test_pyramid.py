from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from roadwork.model.head_config import PyramidConfig
from roadwork.model.pyramid import Pyramid

pytestmark = pytest.mark.usefixtures("seeded")


def test_levels_are_the_token_and_its_narrower_images():
    block = Pyramid(PyramidConfig(enabled=True, dims=(8, 4, 2)), dim=8, dropout=0.0)
    x = torch.randn(2, 3, 8)
    n = F.layer_norm(x, (8,))
    four, two = block.levels
    concatenated = torch.cat([n, F.gelu(four(n)), F.gelu(two(n))], dim=-1)
    assert concatenated.shape[-1] == 14
    torch.testing.assert_close(block(x), x + block.merge(concatenated))


def test_no_level_needs_the_tokens_own_width():
    block = Pyramid(PyramidConfig(enabled=True, dims=(6, 3)), dim=8, dropout=0.0)
    assert block.merge.in_features == 9
    assert len(block.levels) == 2
    assert block(torch.randn(2, 3, 8)).shape == (2, 3, 8)


def test_it_is_residual():
    block = Pyramid(PyramidConfig(enabled=True, dims=(8, 4)), dim=8, dropout=0.0)
    torch.nn.init.zeros_(block.merge.weight)
    torch.nn.init.zeros_(block.merge.bias)
    x = torch.randn(2, 3, 8)
    assert torch.equal(block(x), x)


def test_tokens_dont_mix():
    block = Pyramid(PyramidConfig(enabled=True, dims=(8, 4)), dim=8, dropout=0.0)
    x = torch.randn(1, 3, 8)
    y = x.clone()
    y[0, 1] += 1
    changed = (block(x) != block(y)).any(dim=-1)
    assert changed.tolist() == [[False, True, False]]


def test_dropout_acts_in_training_only():
    block = Pyramid(PyramidConfig(enabled=True, dims=(8, 4)), dim=8, dropout=0.5)
    x = torch.randn(2, 3, 8)
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))
