from __future__ import annotations

import pytest
import torch
from torch import nn

from roadwork.embed.architecture import create_architecture
from roadwork.embed.random_init import random_model
from roadwork.seeding import derive

NAME = "vit_small_plus_patch16_dinov3.lvd1689m"


def drawn(seed: int = 3) -> nn.Module:
    return random_model(lambda: create_architecture(NAME, {"depth": 2}, size_px=64, pool="auto"), seed)


def test_a_function_of_the_seed_that_leaves_torchs_generator_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first, again, other = drawn().state_dict(), drawn().state_dict(), drawn(4).state_dict()
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["cls_token"], other["cls_token"])


def test_the_scales():
    state = drawn().state_dict()
    dim = state["cls_token"].shape[-1]
    gains = [value for name, value in state.items() if "gamma" in name]
    assert len(gains) == 4
    assert all((gain == 1).all() for gain in gains)
    q, k, v = state["blocks.0.attn.qkv.weight"].chunk(3)
    assert q.std() * dim**0.5 == pytest.approx(2, rel=0.05)
    assert k.std() * dim**0.5 == pytest.approx(2, rel=0.05)
    assert v.std() * dim**0.5 == pytest.approx(1, rel=0.05)
    for name in ("attn.proj", "mlp.fc1_g", "mlp.fc1_x", "mlp.fc2"):
        weight = state[f"blocks.1.{name}.weight"]
        assert weight.std() * weight.shape[1] ** 0.5 == pytest.approx(1, rel=0.05)
    kernels = state["patch_embed.proj.weight"]
    assert kernels.mean(dim=1).std() < 0.3 * kernels.std(), "mostly colour-opponent"


def test_the_class_token_depends_on_the_image():
    model = drawn().eval()
    torch.manual_seed(0)
    with torch.inference_mode():
        one, other = model(torch.randn(2, 3, 64, 64))
    assert (one - other).norm() > 0.3 * one.norm()


def test_a_network_without_such_parts_stays_as_timm_draws_it():
    def create() -> nn.Module:
        return create_architecture("mobilenetv2_035", {}, size_px=32, pool="auto")

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(3, "backbone"))
        plain = create().state_dict()
    state = random_model(create, 3).state_dict()
    assert all(torch.equal(state[name], plain[name]) for name in plain)
