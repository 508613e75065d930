"""Which arithmetic a backbone runs in: bfloat16 where the hardware has it, else float32."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from roadwork.errors import CapabilityError

Precision = Literal["bf16", "fp32"]

DTYPES: dict[Precision, torch.dtype] = {"bf16": torch.bfloat16, "fp32": torch.float32}

# Names under which `torch.cpu.get_capabilities` reports bfloat16 products, on x86 and on Arm.
_CPU_BF16 = ("avx512_bf16", "amx_bf16", "bf16")


def has_bf16(device: torch.device) -> bool:
    """Whether `device` multiplies bfloat16 in hardware (on others PyTorch emulates it, slower than float32)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in _CPU_BF16)


def resolve_precision(asked: Literal["auto", "bf16", "fp32"], device: torch.device) -> Precision:
    """`asked` as what will be used on `device`; raises CapabilityError for bf16 on hardware that lacks it."""
    if asked == "fp32":
        return "fp32"
    if has_bf16(device):
        return "bf16"
    if asked == "auto":
        return "fp32"
    raise CapabilityError(
        f"bf16 was asked for, and this {device.type.upper()} has no bfloat16 arithmetic",
        where="params.yaml: backbone.precision",
        rule="bf16 needs a CUDA device of compute capability 8.0 or later, or a CPU with AVX512-BF16, AMX or Arm BF16",
        fix="set backbone.precision to fp32, or to auto",
    )


def cast_weights(model: nn.Module, precision: Precision) -> nn.Module:
    """`model`, a float32 one, changed in place to compute in `precision`.

    Batch normalisation keeps float32 parameters: its running statistics span too many magnitudes for bfloat16's eight
    bits (a quarter of MobileNetV2's whole bf16 error came from there), and PyTorch mixes the two types for free.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    kept = [{name: value.clone() for name, value in norm.state_dict().items()} for norm in norms]
    model.to(DTYPES[precision])
    for norm, state in zip(norms, kept, strict=True):
        norm.float().load_state_dict(state)
    return model
