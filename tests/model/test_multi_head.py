from __future__ import annotations

import pytest
import torch
from torch import nn

from roadwork.model.multi_head import MultiHead

pytestmark = pytest.mark.usefixtures("seeded")


def test_it_is_pytorchs_multi_head_attention_when_there_is_no_gate():
    ours, theirs = MultiHead(8, 2, "sdpa"), nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.q.weight, ours.k.weight, ours.v.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.q.bias, ours.k.bias, ours.v.bias]))
        theirs.out_proj.load_state_dict(ours.out.state_dict())
    queries, context = torch.randn(3, 4, 8), torch.randn(3, 5, 8)
    torch.testing.assert_close(ours(queries, context), theirs(queries, context, context)[0])


def test_the_gate_comes_before_the_output_projection():
    block = MultiHead(8, 2, "sdpa")
    x = torch.randn(3, 4, 8)
    shut = torch.zeros(3, 4, 2, 4)
    torch.testing.assert_close(block(x, x, shut), block.out.bias.expand(3, 4, 8))


def test_a_gate_per_head_spans_its_channels():
    block = MultiHead(8, 2, "sdpa")
    x = torch.randn(3, 4, 8)
    gate = torch.rand(3, 4, 2, 1)
    torch.testing.assert_close(block(x, x, gate), block(x, x, gate.expand(3, 4, 2, 4)))
