"""Seeded random weights: the same untrained backbone on every machine, with features worth learning from.

timm's initial weights are meant for training: they make a transformer's class token all but independent of the image.
Random features (Rahimi & Recht 2007) need scales at which the signal passes instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor, nn

from roadwork.seeding import derive

# timm's names of a LayerScale gain: gamma_1 (EVA, BEiT, DINOv3), ls1.gamma (ViT), gamma (ConvNeXt), layer_scale_1.
_LAYER_SCALE = re.compile(r"(.*\.)?(gamma|layer_scale)(_\d+)?")
_LINEAR = re.compile(r"(.*\.)?(attn\.proj|mlp\.fc\w+)\.weight")

_ACHROMATIC_LOSS = 0.9
_KERNEL_GAIN = 4.0
_ATTENTION_GAIN = 2.0
_CLASS_TOKEN_STD = 0.3


def random_model(create: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The model that `create` builds, initialised as timm does it but from `seed`, then prepared for use untrained.

    The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "backbone"))
        model = create()
        prepare_untrained(model)
    return model


@torch.no_grad()
def prepare_untrained(model: nn.Module) -> None:
    """Rescale a fresh initialisation in place, by the names that timm gives the parts; other parts stay as they are.

    - LayerScale gains (arXiv 2103.17239) start at 1e-5, which makes every block the identity: they become 1.
    - Queries and keys get gain 2, so that the logits of attention have a standard deviation of about 4: at timm's scale
      attention is uniform, and the class token would be the mean patch.
    - Values and the other linear maps get a standard deviation of 1/√fan-in, which keeps the signal's size.
    - The class token is N(0, 0.3²): large enough that every image is asked about the same thing, small enough not to
      drown the answer in the residual stream.
    - Patch kernels lose 0.9 of their achromatic part (brightness is most of the variance and says nothing) and are 4
      times as strong; their bias is N(0, 1), so that grey patches share a direction and strong ones stand out after
      the LayerNorm.

    Draws from torch's global generator.
    """
    for name, parameter in model.named_parameters():
        if _LAYER_SCALE.fullmatch(name):
            parameter.fill_(1.0)
        elif name == "patch_embed.proj.weight" and parameter.shape[1] == 3:
            parameter.sub_(_ACHROMATIC_LOSS * parameter.mean(dim=1, keepdim=True)).mul_(_KERNEL_GAIN)
        elif name == "patch_embed.proj.bias":
            parameter.normal_()
        elif name == "cls_token":
            parameter.normal_(0.0, _CLASS_TOKEN_STD)
        elif name.endswith("attn.qkv.weight"):
            q, k, v = parameter.chunk(3)
            _fan_in_normal(q, _ATTENTION_GAIN)
            _fan_in_normal(k, _ATTENTION_GAIN)
            _fan_in_normal(v)
        elif _LINEAR.fullmatch(name):
            _fan_in_normal(parameter)


def _fan_in_normal(weight: Tensor, gain: float = 1.0) -> None:
    weight.normal_(0.0, gain / weight.shape[1] ** 0.5)
