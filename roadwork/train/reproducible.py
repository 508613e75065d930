"""Kernels that give the same bits each time: what `train.reproducible` switches on.

On the CPU with a fixed number of threads the head's kernels add in a fixed order as they are, so nothing needs choosing
there; an operation that doesn't is refused all the same. On CUDA, without the switch, these don't, or needn't (read in
PyTorch 2.15 and xFormers 0.0.35); with it:

- backward of nn.Embedding, gather and scatter add atomically, in whatever order threads arrive → they sort first
- backward of PyTorch's memory-efficient and flash attention likewise → one split of the keys; flash's ordered variant
- attention by cuDNN → isn't chosen
- backward of xFormers' flash attention → xFormers refuses it and takes `cutlassB-pt`: PyTorch's memory-efficient one,
  with one split; where there is none (`roadwork.model.attention` asks), `auto` means sdpa and `xformers` is an error
- cuBLAS may choose its kernels by the workspace it finds → a fixed workspace
- torch.compile may pad matrices after timing both → Inductor times nothing

Fixed anyway: dropout (counter-based), LayerNorm, GELU, index_select and metadata (no gradient), the losses
(cross-entropy without PyTorch's own reduction), clip_gradients (foreach norms) and AdamW (element-wise). Forward
passes add atomically nowhere, so predictions need no switch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from roadwork.errors import CapabilityError

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_FIXED_WORKSPACES = (":4096:8", ":16:8")  # the two that PyTorch accepts; the first is the faster


@contextmanager
def reproducible(wanted: bool, device: torch.device, *, compiled: bool) -> Iterator[None]:
    """Deterministic kernels on `device` inside the `with`, where `wanted`; all settings are put back.

    `compiled` says whether torch.compile is used: it has a switch of its own, a second of imports away.

    Raises CapabilityError for an operation that has no deterministic kernel here, rather than to run another.
    """
    if not wanted:
        yield
        return
    with ExitStack() as stack:
        if device.type == "cuda":
            stack.enter_context(_fixed_workspace())
        if compiled:
            stack.enter_context(_nothing_timed())
        stack.enter_context(_deterministic_kernels())
        try:
            yield
        except RuntimeError as error:
            if "deterministic" not in str(error):
                raise
            raise CapabilityError(
                f"an operation can't be done reproducibly here: {' '.join(str(error).split())[:300]}",
                where="params.yaml: train.reproducible",
                rule="every kernel of the training is deterministic, and no CUDA product ran before in this process",
                fix="set train.reproducible to false, or train.device to cpu",
            ) from error


@contextmanager
def _deterministic_kernels() -> Iterator[None]:
    """`torch.use_deterministic_algorithms` by its other name, which leaves Inductor unimported."""
    cudnn: Any = torch.backends.cudnn  # Any: its settings are properties of the module
    before = torch.get_deterministic_debug_mode()
    cudnn_before = cudnn.deterministic, cudnn.benchmark
    try:
        torch.set_deterministic_debug_mode("error")
        cudnn.deterministic, cudnn.benchmark = True, False
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
        cudnn.deterministic, cudnn.benchmark = cudnn_before


@contextmanager
def _nothing_timed() -> Iterator[None]:
    import torch._inductor.config as inductor

    before = inductor.deterministic
    try:
        inductor.deterministic = True
        yield
    finally:
        inductor.deterministic = before


@contextmanager
def _fixed_workspace() -> Iterator[None]:
    """cuBLAS and PyTorch read the variable at the process's first product, and never again."""
    before = os.environ.get(_WORKSPACE)
    if before not in _FIXED_WORKSPACES:
        os.environ[_WORKSPACE] = _FIXED_WORKSPACES[0]
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_WORKSPACE, None)
        else:
            os.environ[_WORKSPACE] = before
