"""Which arithmetic a backbone runs in: bfloat16 where the hardware has it, else float32."""

from __future__ import annotations

from typing import Literal

import torch

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
