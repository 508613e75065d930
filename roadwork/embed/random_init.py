"""Seeded random weights: the same untrained backbone on every machine, with features that depend on the image."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import nn

from roadwork.seeding import derive

# timm's names of a LayerScale gain: gamma_1 (EVA, BEiT, DINOv3), ls1.gamma (ViT), gamma (ConvNeXt), layer_scale_1.
_LAYER_SCALE = re.compile(r"(gamma|layer_scale)(_\d+)?")


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
    """Change a fresh initialisation, meant for training, into one whose features depend on the image.

    LayerScale (arXiv 2103.17239) starts at 1e-5, which makes every block the identity until training has grown the
    gains. In an untrained model the class token, which meets the image in the blocks only, would then be the same
    for every photograph: the gains are set to 1.
    """
    for name, parameter in model.named_parameters():
        if _LAYER_SCALE.fullmatch(name.rpartition(".")[2]):
            nn.init.ones_(parameter)
