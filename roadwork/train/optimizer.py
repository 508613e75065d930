"""The optimizer of the head, and its state under the names of the parameters."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim import AdamW


def build_optimizer(head: nn.Module, *, lr: float, weight_decay: float) -> AdamW:
    """AdamW (arXiv 1711.05101) over all parameters; weight decay acts on weight matrices only.

    Biases, norms, embeddings and learned vectors aren't decayed: pulling those to zero regularises nothing.
    """
    tables = {id(module.weight) for module in head.modules() if isinstance(module, nn.Embedding)}
    matrices = [p for p in head.parameters() if p.ndim >= 2 and id(p) not in tables]
    others = [p for p in head.parameters() if p.ndim < 2 or id(p) in tables]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return AdamW([group for group in groups if group["params"]], lr=lr, fused=True)


def optimizer_state(optimizer: AdamW, head: nn.Module) -> dict[str, Tensor]:
    """The optimizer's tensors as `slot/parameter`, for example `exp_avg/classifier.0.weight`."""
    return {
        f"{slot}/{name}": tensor
        for name, parameter in head.named_parameters()
        for slot, tensor in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizer(optimizer: AdamW, head: nn.Module, state: dict[str, Tensor]) -> None:
    """Put back what `optimizer_state` returned. A parameter that never had a gradient has no state."""
    parameters = dict(head.named_parameters())
    for key, tensor in state.items():
        slot, name = key.split("/", 1)
        parameter = parameters[name]
        # The step count stays where AdamW made it; the moments live beside their parameter.
        device = parameter.device
        optimizer.state[parameter][slot] = tensor.to(device)
