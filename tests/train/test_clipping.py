import pytest
import torch
from torch import nn

from roadwork.train import clipping
from roadwork.train.clipping import clip_gradients


def parameters(seed, scale):
    generator = torch.Generator().manual_seed(seed)
    made = [nn.Parameter(torch.zeros(shape)) for shape in ((7, 5), (5,), (3, 3))]
    for parameter in made[:2]:  # the last never had a gradient
        parameter.grad = scale * torch.randn(parameter.shape, generator=generator)
    return made


@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 100.0, float("nan"), float("inf")])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_pytorchs_bit_for_bit(seed, scale):
    ours, theirs = parameters(seed, scale), parameters(seed, scale)
    norm, expected = clip_gradients(ours, 1.0), nn.utils.clip_grad_norm_(theirs, 1.0)
    assert torch.equal(norm.nan_to_num(7), expected.nan_to_num(7))
    for one, other in zip(ours[:2], theirs[:2], strict=True):
        assert torch.equal(one.grad.nan_to_num(7), other.grad.nan_to_num(7))
    assert ours[2].grad is None


@pytest.mark.parametrize("norm", [1 - 2e-6, 1 - 1e-6, 1 - 5e-7, 1.0, 1 + 1e-6])
def test_at_the_very_edge_too(norm):
    ours, theirs = (nn.Parameter(torch.zeros(1)) for _ in range(2))
    ours.grad, theirs.grad = torch.tensor([norm]), torch.tensor([norm])
    clip_gradients([ours], 1.0)
    nn.utils.clip_grad_norm_([theirs], 1.0)
    assert torch.equal(ours.grad, theirs.grad)


def test_short_gradients_are_not_touched(monkeypatch):
    monkeypatch.setattr(clipping, "clip_grads_with_norm_", lambda *given: pytest.fail("there is nothing to clip"))
    clip_gradients(parameters(0, 1e-3), 1.0)
    with pytest.raises(pytest.fail.Exception):
        clip_gradients(parameters(0, 100.0), 1.0)
