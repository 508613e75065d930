"""Checkpoints of Hugging Face `transformers`' DINOv3 ViTs in timm's names."""

from __future__ import annotations

import re
from collections.abc import Container

import torch
from torch import Tensor

_MARK = "embeddings.register_tokens"
_LAYER = re.compile(r"(?:model\.)?layer\.(\d+)\.(.+)")
_QKV = re.compile(r"attention\.([qkv])_proj\.(weight|bias)")

_OUTSIDE = {
    "embeddings.cls_token": "cls_token",  # nosec B105  # a class token is no password
    "embeddings.register_tokens": "reg_token",
    "embeddings.patch_embeddings.weight": "patch_embed.proj.weight",
    "embeddings.patch_embeddings.bias": "patch_embed.proj.bias",
}
_INSIDE = {
    "layer_scale1.lambda1": "gamma_1",
    "layer_scale2.lambda1": "gamma_2",
    "attention.o_proj.": "attn.proj.",
}
_MLP = {"mlp.up_proj.": "mlp.fc1.", "mlp.down_proj.": "mlp.fc2."}
_GATED_MLP = {"mlp.gate_proj.": "mlp.fc1_g.", "mlp.up_proj.": "mlp.fc1_x.", "mlp.down_proj.": "mlp.fc2."}


def is_transformers(state: dict[str, Tensor]) -> bool:
    """Whether `state` has the names of a `transformers` DINOv3ViTModel."""
    return _MARK in state


def from_transformers(state: dict[str, Tensor], wanted: Container[str]) -> dict[str, Tensor]:
    """`state` of a `transformers` DINOv3ViTModel in the names of timm's DINOv3 (an `Eva` with fused projections).

    Query, key and value weights are stacked into `attn.qkv.weight`. The mask token (pre-training only) is left out,
    and so are all-zero projection biases whose timm name isn't in `wanted`: timm builds the distilled models, whose
    biases ended up zero, without them. Names that aren't known pass unchanged, for the strict loader to refuse.
    """
    renames = _INSIDE | (_GATED_MLP if any(".mlp.gate_proj." in name for name in state) else _MLP)
    converted: dict[str, Tensor] = {}
    stacks: dict[str, dict[str, Tensor]] = {}
    for name, value in state.items():
        if name == "embeddings.mask_token":
            continue
        layer = _LAYER.fullmatch(name)
        if layer is None:
            converted[_OUTSIDE.get(name, name)] = value
            continue
        block, inner = f"blocks.{layer.group(1)}.", layer.group(2)
        projection = _QKV.fullmatch(inner)
        if projection is None:
            for old, new in renames.items():
                inner = inner.replace(old, new)
            converted[block + inner] = value
        elif projection.group(2) == "weight":
            stacks.setdefault(block, {})[projection.group(1)] = value
        else:
            bias = f"{block}attn.{projection.group(1)}_bias"
            if bias in wanted or value.any():
                converted[bias] = value
    for block, parts in stacks.items():
        if parts.keys() == set("qkv"):
            converted[f"{block}attn.qkv.weight"] = torch.cat([parts[part] for part in "qkv"])
    return converted
