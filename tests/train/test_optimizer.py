import copy

import pytest
import torch
from torch import nn

from roadwork.train.optimizer import AdamW


def model():
    torch.manual_seed(0)
    return nn.ModuleDict({"table": nn.Embedding(3, 4), "linear": nn.Linear(4, 2), "norm": nn.LayerNorm(2)})


def backward(module, number=0):
    """A gradient that is another one for each `number`."""
    module["norm"](module["linear"](module["table"](torch.tensor([0, 2]))) + number).sin().square().sum().backward()


def step(module, optimizer, lr=0.01):
    optimizer.zero_grad()
    backward(module)
    optimizer.step(lr)


def test_only_weight_matrices_decay():
    module = model()
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
        parameter.data.fill_(1.0)
    AdamW(module, weight_decay=0.5).step(0.1)
    shrunk = {
        name for name, parameter in module.named_parameters() if not torch.equal(parameter, torch.ones_like(parameter))
    }
    assert shrunk == {"linear.weight"}
    assert torch.allclose(module["linear"].weight, torch.tensor(0.95))


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_it_is_pytorchs_adamw_bit_for_bit(weight_decay):
    """Over steps with several rates, one of them 0, and a parameter that gets its first gradient late."""
    ours, theirs = model(), model()
    optimizer = AdamW(ours, weight_decay=weight_decay)
    decayed, others = [theirs["linear"].weight], [theirs["table"].weight, theirs["linear"].bias]
    others += list(theirs["norm"].parameters())
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    reference = torch.optim.AdamW(groups, lr=1.0, fused=True)
    for number, lr in enumerate((1e-2, 3e-3, 0.0, 1e-1, 7e-4, 1e-2, 2e-2)):
        for module, each in ((ours, optimizer), (theirs, reference)):
            each.zero_grad()
            backward(module, number)
            if number < 2:
                module["norm"].bias.grad = None
        for group in reference.param_groups:
            group["lr"] = lr
        optimizer.step(lr)
        reference.step()
        for (name, one), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            assert torch.equal(one, other), name
            assert (
                all(
                    torch.equal(ours_too, reference.state[other][slot])
                    for slot, ours_too in optimizer.moments[name]._asdict().items()
                )
                if name in optimizer.moments
                else not reference.state[other]
            )
    assert len(optimizer.moments) == 5


def test_a_step_to_be_skipped_moves_nothing():
    module = model()
    optimizer = AdamW(module, weight_decay=0.1)
    step(module, optimizer)
    before = copy.deepcopy((module.state_dict(), optimizer.state()))
    for broken in (1.0, float("nan")):
        optimizer.zero_grad()
        backward(module)
        module["linear"].weight.grad[0, 0] = broken
        optimizer.step(0.01, skip=torch.tensor(1.0))
    after = (module.state_dict(), optimizer.state())
    for one, other in zip(before, after, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    optimizer.zero_grad()
    backward(module)
    optimizer.step(0.01, skip=torch.tensor(0.0))
    assert not torch.equal(before[0]["linear.weight"], module["linear"].weight)


def test_a_restored_optimizer_goes_on_identically():
    module = model()
    optimizer = AdamW(module, weight_decay=0.1)
    for _ in range(3):
        step(module, optimizer)
    weights = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    saved = {name: tensor.clone() for name, tensor in optimizer.state().items()}
    assert {"step/norm.bias", "exp_avg/table.weight", "exp_avg_sq/linear.weight"} <= saved.keys()
    step(module, optimizer)

    other = model()
    other.load_state_dict(weights)
    resumed = AdamW(other, weight_decay=0.1)
    resumed.restore(saved)
    step(other, resumed)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name
