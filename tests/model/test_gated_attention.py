from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from roadwork.model.gated_attention import GatedAttention
from roadwork.model.head_config import AttentionConfig

pytestmark = pytest.mark.usefixtures("seeded")


def layer(gate: str, dropout: float = 0.0) -> GatedAttention:
    return GatedAttention(AttentionConfig(layers=1, heads=2, gate=gate, backend="sdpa"), dim=8, dropout=dropout)  # pyright: ignore[reportArgumentType]


def test_the_formula_elementwise():
    block, x = layer("elementwise"), torch.randn(3, 4, 8)
    n = F.layer_norm(x, (8,))
    q, k, v = (
        project(n).unflatten(-1, (2, 4)).transpose(1, 2) for project in (block.attend.q, block.attend.k, block.attend.v)
    )
    heads = ((q @ k.transpose(-1, -2)) / 2).softmax(-1) @ v
    assert block.gate is not None
    gated = block.gate(n).sigmoid() * heads.transpose(1, 2).flatten(-2)
    torch.testing.assert_close(block(x), x + block.attend.out(gated))


@pytest.mark.parametrize(("gate", "width"), [("elementwise", 8), ("headwise", 2)])
def test_an_open_gate_is_plain_attention_and_a_shut_one_none(gate: str, width: int):
    block, x = layer(gate), torch.randn(3, 4, 8)
    assert block.gate is not None
    assert block.gate.out_features == width
    torch.nn.init.zeros_(block.gate.weight)
    torch.nn.init.constant_(block.gate.bias, 100.0)
    n = block.norm(x)
    torch.testing.assert_close(block(x), x + block.attend(n, n))
    torch.nn.init.constant_(block.gate.bias, -100.0)
    torch.testing.assert_close(block(x), x + block.attend.out.bias)


def test_headwise_gates_whole_heads():
    """With head 0 shut, the value channels of head 0 change nothing."""
    block, x = layer("headwise"), torch.randn(3, 4, 8)
    assert block.gate is not None
    torch.nn.init.zeros_(block.gate.weight)
    with torch.no_grad():
        block.gate.bias.copy_(torch.tensor([-100.0, 100.0]))
        before = block(x)
        block.attend.v.weight[:4] += 1
        torch.testing.assert_close(block(x), before)
        block.attend.v.weight[4:] += 1
        assert not torch.allclose(block(x), before)


def test_none_has_no_gate():
    block, x = layer("none"), torch.randn(3, 4, 8)
    n = block.norm(x)
    assert block.gate is None
    torch.testing.assert_close(block(x), x + block.attend(n, n))


def test_every_weight_has_a_gradient_and_dropout_acts_in_training_only():
    block, x = layer("elementwise", dropout=0.5), torch.randn(3, 4, 8)
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))
    block(x).square().sum().backward()
    for name, parameter in block.named_parameters():
        if name != "attend.k.bias":  # softmax is blind to a shift of all keys
            assert parameter.grad is not None
            assert parameter.grad.abs().max() > 1e-6, name
