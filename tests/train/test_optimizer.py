import torch
from torch import nn

from roadwork.train.optimizer import build_optimizer, optimizer_state, restore_optimizer


def model():
    torch.manual_seed(0)
    return nn.ModuleDict({"table": nn.Embedding(3, 4), "linear": nn.Linear(4, 2), "norm": nn.LayerNorm(2)})


def step(module, optimizer):
    optimizer.zero_grad()
    module["norm"](module["linear"](module["table"](torch.tensor([0, 2])))).square().sum().backward()
    optimizer.step()


def test_only_weight_matrices_decay():
    module = model()
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
        parameter.data.fill_(1.0)
    build_optimizer(module, lr=0.1, weight_decay=0.5).step()
    shrunk = {
        name for name, parameter in module.named_parameters() if not torch.equal(parameter, torch.ones_like(parameter))
    }
    assert shrunk == {"linear.weight"}
    assert torch.allclose(module["linear"].weight, torch.tensor(0.95))


def test_a_restored_optimizer_goes_on_identically():
    module = model()
    optimizer = build_optimizer(module, lr=0.01, weight_decay=0.1)
    for _ in range(3):
        step(module, optimizer)
    weights = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    saved = {name: tensor.clone() for name, tensor in optimizer_state(optimizer, module).items()}
    step(module, optimizer)

    other = model()
    other.load_state_dict(weights)
    resumed = build_optimizer(other, lr=0.01, weight_decay=0.1)
    restore_optimizer(resumed, other, saved)
    step(other, resumed)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name
