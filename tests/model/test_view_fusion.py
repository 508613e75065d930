from __future__ import annotations

import pytest
import torch

from roadwork.model.head_config import ViewFusionConfig
from roadwork.model.view_fusion import ViewFusion, ViewMean

pytestmark = pytest.mark.usefixtures("seeded")


def fusion() -> ViewFusion:
    return ViewFusion(ViewFusionConfig(enabled=True, heads=2, gate_hidden=4), dim=8, dropout=0.0, backend="sdpa")


def test_the_formula():
    block, x = fusion(), torch.randn(3, 5, 8)
    n = block.cross_norm(x)
    w = block.importance(n).sigmoid()
    crossed = x + block.cross(n, w * n)
    m = block.refine_norm(crossed)
    refined = crossed + block.refine(m, m)
    vision, gates = block(x)
    torch.testing.assert_close(gates, w.squeeze(-1))
    torch.testing.assert_close(vision, (w * refined).sum(1) / (w.sum(1) + 1e-6))


def test_the_weighted_mean_by_hand():
    """With both attentions silent: gates ¼ and ¾ of one-hot tokens."""
    block = fusion()
    for attention in (block.cross, block.refine):
        torch.nn.init.zeros_(attention.out.weight)
        torch.nn.init.zeros_(attention.out.bias)
    block.cross_norm = torch.nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
    first = torch.nn.Linear(8, 1, bias=False)
    with torch.no_grad():
        first.weight.zero_()[0, :2] = torch.tensor([0.25, 0.75]).logit()
    block.importance = first  # pyright: ignore[reportAttributeAccessIssue]
    vision, gates = block(torch.eye(8)[None, :2])
    torch.testing.assert_close(gates, torch.tensor([[0.25, 0.75]]))
    torch.testing.assert_close(vision[0, :3], torch.tensor([0.25, 0.75, 0.0]), atol=1e-5, rtol=0)


def test_shut_gates_give_zeros_not_nan():
    block = fusion()
    last = block.importance[2]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, -200.0)
    vision, gates = block(torch.randn(2, 3, 8))
    assert torch.equal(gates, torch.zeros(2, 3))
    assert torch.equal(vision, torch.zeros(2, 8))


def test_the_order_of_tokens_doesnt_matter():
    block, x = fusion(), torch.randn(2, 5, 8)
    order = torch.tensor([3, 1, 4, 0, 2])
    vision, gates = block(x)
    shuffled, shuffled_gates = block(x[:, order])
    torch.testing.assert_close(shuffled, vision)
    torch.testing.assert_close(shuffled_gates, gates[:, order])


def test_gates_and_both_attentions_have_gradients():
    block = fusion()
    block(torch.randn(2, 3, 8))[0].square().sum().backward()
    for name, parameter in block.named_parameters():
        if not name.endswith(".k.bias"):
            assert parameter.grad is not None
            assert parameter.grad.abs().max() > 1e-7, name


def test_float32_under_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        vision, gates = fusion()(torch.randn(2, 3, 8))
    assert vision.dtype == gates.dtype == torch.float32


def test_the_mean_instead():
    x = torch.tensor([[[1.0, 2.0], [3.0, 6.0]]])
    vision, gates = ViewMean()(x)
    assert vision.tolist() == [[2.0, 4.0]]
    assert gates.tolist() == [[1.0, 1.0]]
