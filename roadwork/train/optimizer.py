"""The optimizer of the head; its state stands under the names of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Moments(NamedTuple):
    """What AdamW remembers of a parameter; on the parameter's device, in float32."""

    step: Tensor  # how many steps it has taken, a scalar
    exp_avg: Tensor  # running mean of the gradient
    exp_avg_sq: Tensor  # running mean of its square


class AdamW:
    """AdamW (arXiv 1711.05101) by PyTorch's fused kernel; weight decay acts on weight matrices only.

    Biases, norms, embeddings and learned vectors aren't decayed: pulling those to zero regularises nothing.

    Bit for bit `torch.optim.AdamW(fused=True)`, whose first use imports PyTorch's compiler, a second or two that a
    training on cached features would notice.
    """

    def __init__(self, head: nn.Module, *, weight_decay: float) -> None:
        tables = {id(module.weight) for module in head.modules() if isinstance(module, nn.Embedding)}
        self.parameters = dict(head.named_parameters())
        self.decay = {
            name: weight_decay if parameter.ndim >= 2 and id(parameter) not in tables else 0.0
            for name, parameter in self.parameters.items()
        }
        self.moments: dict[str, Moments] = {}  # of the parameters that have had a gradient

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters.values():
            parameter.grad = None

    @torch.no_grad()
    def step(self, lr: float | Tensor, *, skip: Tensor | None = None) -> None:
        """Move every parameter that has a gradient. Where the scalar `skip` is 1 (else it is 0), nothing moves.

        On a GPU nobody waits for `skip`, nor for `lr` where that is a tensor (float32): the kernel reads them.
        """
        moving = {name: p.grad for name, p in self.parameters.items() if p.grad is not None}
        self.remember(*moving)
        for decay in sorted(set(self.decay.values())):
            names = [name for name in moving if self.decay[name] == decay]
            adamw(
                [self.parameters[name] for name in names],
                [moving[name] for name in names],
                [self.moments[name].exp_avg for name in names],
                [self.moments[name].exp_avg_sq for name in names],
                [],
                [self.moments[name].step for name in names],
                fused=True,
                found_inf=skip,
                amsgrad=False,
                beta1=BETA_1,
                beta2=BETA_2,
                lr=lr,
                weight_decay=decay,
                eps=EPSILON,
                maximize=False,
            )

    def remember(self, *names: str) -> None:
        """Make place for the moments of these parameters, where there is none yet."""
        for name in names:
            if name not in self.moments:
                parameter = self.parameters[name].detach()
                step = torch.zeros((), dtype=torch.float32, device=parameter.device)
                self.moments[name] = Moments(step, torch.zeros_like(parameter), torch.zeros_like(parameter))

    def state(self) -> dict[str, Tensor]:
        """The optimizer's tensors as `slot/parameter`, for example `exp_avg/classifier.0.weight`."""
        return {
            f"{slot}/{name}": tensor
            for name in self.parameters
            if name in self.moments
            for slot, tensor in self.moments[name]._asdict().items()
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned. A parameter that never had a gradient has none."""
        names = {key.split("/", 1)[1] for key in state}
        self.moments = {
            name: Moments(*(state[f"{slot}/{name}"].to(parameter.device, copy=True) for slot in Moments._fields))
            for name, parameter in self.parameters.items()
            if name in names
        }
