"""The device that a backbone runs on."""

from __future__ import annotations

import torch

from roadwork.errors import CapabilityError, ParameterError


def resolve_device(asked: str) -> torch.device:
    """`auto` (CUDA where there is one, else the CPU), `cpu`, `cuda` or `cuda:N` as a device of this machine.

    Raises ParameterError for any other word and CapabilityError for a CUDA device that isn't there.
    """
    if asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, number = asked.partition(":")
    if asked != "cpu" and (kind != "cuda" or (":" in asked and not number.isdecimal())):
        raise ParameterError(
            f"device is {asked!r}", where="params.yaml: embed.device", rule="auto, cpu, cuda or cuda:N", fix="use auto"
        )
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise CapabilityError(
            f"there is no device {asked}: PyTorch sees {torch.cuda.device_count()} CUDA devices",
            where="params.yaml: embed.device",
            rule="a CUDA device must be present and its driver must fit this PyTorch",
            fix="set embed.device to auto or cpu",
        )
    return torch.device(asked)
