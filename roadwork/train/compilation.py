"""The head's forward pass, optionally through torch.compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from roadwork.errors import CapabilityError
from roadwork.model.head import Head, HeadOutput
from roadwork.model.metadata import Metadata

Forward = Callable[[Tensor, Metadata], HeadOutput]


def forward_of(head: Head, mode: Literal["off", "default", "max-autotune"], *, batch_size: int) -> Forward:
    """`head` itself, or its forward pass compiled on first use; both share the weights.

    Compiled for batches of `batch_size` images; others, such as the last of an epoch, go through the head as it is,
    rather than through a second, slower program for any size. The compiled one raises CapabilityError where this
    machine has no compiler for it.
    """
    if mode == "off":
        return head
    # Seconds of imports that only a compiled head needs.
    from torch._dynamo.exc import BackendCompilerFailed
    from torch._inductor.exc import InductorError

    # CUDA graphs are captured of the whole step (roadwork.train.capture), not of the forward pass alone.
    compiled = torch.compile(head, mode="max-autotune-no-cudagraphs" if mode == "max-autotune" else mode)

    def forward(embeddings: Tensor, metadata: Metadata) -> HeadOutput:
        if len(embeddings) != batch_size:
            return head(embeddings, metadata)
        try:
            return compiled(embeddings, metadata)
        except (BackendCompilerFailed, InductorError) as error:
            reason = " ".join(str(error).split())
            raise CapabilityError(
                f"torch.compile can't build the head here: {reason[:300]}",
                where="params.yaml: train.compile",
                rule="it needs a C++ compiler for the CPU, Triton for CUDA",
                fix="set train.compile to off",
            ) from error

    return forward
