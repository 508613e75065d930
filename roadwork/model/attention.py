"""Scaled dot-product attention: one function over three backends."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from roadwork.errors import CapabilityError
from roadwork.model.head_config import Backend

HALF = (torch.float16, torch.bfloat16)


def attention(
    q: Float[Tensor, "image token head dim"],
    k: Float[Tensor, "image other head dim"],
    v: Float[Tensor, "image other head dim"],
    *,
    backend: Backend,
) -> Float[Tensor, "image token head dim"]:
    """softmax(q kᵀ / √dim) v per image and head (arXiv 1706.03762).

    `sdpa` is PyTorch's own; `math` is the formula as it stands, with all weights in memory; `xformers` is
    `xformers.ops.memory_efficient_attention`, which needs CUDA and half precision. `auto` takes what is fastest
    (`python -m benchmarks attention`): on CUDA xformers where it runs, on the CPU in half precision math, which is two
    to ten times as fast there as sdpa's fused kernel, elsewhere sdpa. Inside `torch.compile`, `auto` never takes
    xformers, whose operators would cut the compiled graph at every layer. Where PyTorch is told to use deterministic
    algorithms, all use deterministic kernels, and a machine on which xformers has none counts as one where it can't
    run.

    Raises CapabilityError, with the reason, when `xformers` is asked for where it can't run.
    """
    match _fastest(q) if backend == "auto" else backend:
        case "xformers":
            return _xformers_outside_graphs()(q, k, v)
        case "math":
            return _math(q, k, v)
        case "sdpa":
            return _sdpa(q, k, v)


def xformers_refusal(device: torch.device, dtype: torch.dtype, dim: int) -> str | None:
    """Why xformers can't attend with `dim` channels a head on this device in this precision; None when it can.

    Tries a tiny forward and backward pass, because the package imports fine where none of its operators run. Its
    backward operators aren't all deterministic, so the answer may be another under PyTorch's deterministic algorithms.
    """
    return _tried(device, dtype, dim, torch.are_deterministic_algorithms_enabled())


@lru_cache(maxsize=64)
def _tried(device: torch.device, dtype: torch.dtype, dim: int, deterministic: bool) -> str | None:
    """`xformers_refusal` under the present setting, which is `deterministic`: one more thing to remember it by."""
    if device.type != "cuda":
        return f"it has no operator for the device `{device.type}`"
    if dtype not in HALF:
        return f"it is used in float16 or bfloat16 here, and this is {str(dtype).removeprefix('torch.')}"
    try:
        from xformers.ops import memory_efficient_attention

        with torch.enable_grad():
            x = torch.zeros(1, 8, 1, dim, device=device, dtype=dtype, requires_grad=True)
            memory_efficient_attention(x, x, x).sum().backward()
    except (ImportError, OSError, RuntimeError) as error:  # NotImplementedError is a RuntimeError
        return str(error).strip() or type(error).__name__
    return None


def _fastest(q: Tensor) -> Literal["xformers", "sdpa", "math"]:
    """What `auto` stands for."""
    if q.dtype not in HALF:
        return "sdpa"
    if q.device.type == "cpu":
        return "math"
    if q.is_cuda and not torch.compiler.is_compiling() and xformers_refusal(q.device, q.dtype, q.shape[-1]) is None:
        return "xformers"
    return "sdpa"


def _sdpa(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))  # PyTorch wants heads before tokens
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2)


def _math(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    return (scores.softmax(dim=-1) @ v).transpose(1, 2)


@lru_cache(maxsize=1)
def _xformers_outside_graphs() -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """`_xformers`, never traced by torch.compile. Made on first use: the decorator alone costs seconds of imports."""
    disabled: Any = torch.compiler.disable(_xformers)  # Any: PyTorch declares the decorator and the function alike
    return disabled


def _xformers(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    refusal = xformers_refusal(q.device, q.dtype, q.shape[-1])
    if refusal is not None:
        raise CapabilityError(
            f"attention by xformers can't run here: {refusal}",
            where="params.yaml: head.attention.backend",
            rule="xformers needs CUDA, float16 or bfloat16, and a working operator",
            fix="set it to `auto`, `sdpa` or `math`, or run on a GPU with train.precision: bf16 (where the reason is "
            "that an operator is non-deterministic: or set train.reproducible to false)",
        )
    from xformers.ops import memory_efficient_attention

    return memory_efficient_attention(q, k, v)
