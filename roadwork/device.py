"""The device that a model runs on, from the word in the parameters."""

from __future__ import annotations

import torch

from roadwork.errors import CapabilityError, ParameterError


def resolve_device(asked: str, *, parameter: str = "embed.device") -> torch.device:
    """`auto` (CUDA where there is one, else the CPU), `cpu`, `cuda` or `cuda:N` as a device of this machine.

    `parameter` is what errors name: a dotted path of params.yaml, or an option such as `--device`. Raises
    ParameterError for any other word, CapabilityError for a CUDA device that isn't there.
    """
    if asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, colon, number = asked.partition(":")
    is_option = parameter.startswith("--")
    where, change = (
        (parameter, f"pass {parameter}") if is_option else (f"params.yaml: {parameter}", f"set {parameter} to")
    )
    if asked != "cpu" and (kind != "cuda" or (colon and not number.isdecimal())):
        raise ParameterError(
            f"`{parameter}` is {asked!r}",
            where=where,
            rule="auto, cpu, cuda or cuda:N",
            fix=f"{change} auto",
        )
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "cuda" and int(number or 0) >= count:
        raise CapabilityError(
            f"there is no device {asked}: PyTorch sees {count} usable CUDA devices",
            where=where,
            rule="the device must be present and its driver must fit this PyTorch",
            fix=f"{change} auto or cpu",
        )
    return torch.device(asked)
