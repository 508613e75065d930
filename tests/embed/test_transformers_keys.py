from __future__ import annotations

import pytest
import timm
import torch
from timm.models.eva import Eva
from torch import nn

from roadwork.embed.checkpoint import fit_checkpoint
from roadwork.errors import BackboneError

transformers = pytest.importorskip("transformers")


def theirs(*, gated: bool) -> nn.Module:
    config = transformers.DINOv3ViTConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=16,
        num_register_tokens=4, use_gated_mlp=gated, hidden_act="silu" if gated else "gelu",
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.DINOv3ViTModel(config).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)
    return model


def ours(*, gated: bool, bias: bool) -> nn.Module:
    model = Eva(
        img_size=32, patch_size=16, num_classes=0, global_pool="token", embed_dim=64, depth=2, num_heads=4,
        mlp_ratio=1.5, qkv_bias=bias, swiglu_mlp=gated, swiglu_align_to=8 if gated else 0, init_values=1e-5,
        num_reg_tokens=4, use_rot_pos_emb=True, use_abs_pos_emb=False, rope_type="dinov3", rope_temperature=100,
        rope_rotate_half=True, dynamic_img_size=True, use_fc_norm=False,
        norm_layer=lambda dim, **kw: nn.LayerNorm(dim, eps=1e-5, **kw),
    ).eval()  # fmt: skip
    cfg = timm.get_pretrained_cfg("vit_huge_plus_patch16_dinov3", allow_unregistered=False)
    vars(model)["pretrained_cfg"] = cfg.to_dict()  # pyright: ignore[reportOptionalMemberAccess]
    return model


def without_bias(model: nn.Module) -> nn.Module:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("q_proj.bias", "k_proj.bias", "v_proj.bias")):
                parameter.zero_()
    return model


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_outputs_agree(gated, bias):
    source, target = theirs(gated=gated), ours(gated=gated, bias=bias)
    if not bias:
        without_bias(source)
    fit_checkpoint(target, source.state_dict(), source="their file")
    pixels = torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = source(pixels).last_hidden_state
        tokens = target.forward_features(pixels)  # pyright: ignore[reportCallIssue]
        vectors = target(pixels)
    torch.testing.assert_close(tokens, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(vectors, expected[:, 0], rtol=1e-4, atol=1e-4)


def test_a_bias_that_is_not_zero_is_never_dropped():
    with pytest.raises(BackboneError, match=r"4 unexpected: .*blocks.0.attn.q_bias"):
        fit_checkpoint(ours(gated=True, bias=False), theirs(gated=True).state_dict(), source="their file")


def test_a_missing_projection_is_reported():
    state = theirs(gated=True).state_dict()
    state = {name: value for name, value in state.items() if not name.endswith("layer.1.attention.k_proj.weight")}
    with pytest.raises(BackboneError, match=r"1 missing: blocks.1.attn.qkv.weight"):
        fit_checkpoint(ours(gated=True, bias=True), state, source="their file")
