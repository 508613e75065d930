"""The weights file of a head, looked at without torch: what its header says, and whether its numbers are numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

Header = dict[str, tuple[str, list[int]]]
"""Type (`F32`) and shape of each tensor by its name."""

_MOST_TENSORS = 10_000


def read_header(path: Path) -> Header:
    """What the header of `path` says; no tensor is read.

    Raises ValueError for more tensors than any head has, SafetensorError for a damaged file.
    """
    with safe_open(path, framework="numpy") as file:
        names = list(file.keys())
        if len(names) > _MOST_TENSORS:
            raise ValueError(f"{len(names)} tensors, at most {_MOST_TENSORS} are allowed")
        return {name: _described(file.get_slice(name)) for name in names}


def check_sound(path: Path) -> Header:
    """The header of `path`, after a look at every number: float32 and finite; ValueError names the first that isn't."""
    header = read_header(path)
    with safe_open(path, framework="numpy") as file:
        for name, (kind, shape) in header.items():
            if kind != "F32":
                raise ValueError(f"`{name}` is {kind} {shape}, expected is F32")
            check_finite(name, file.get_tensor(name))
    return header


def check_finite(name: str, tensor: np.ndarray) -> None:
    """Raise ValueError where the weights called `name` aren't all finite."""
    if not np.isfinite(tensor).all():
        raise ValueError(f"the weights `{name}` hold NaN or infinity")


def _described(tensor: Any) -> tuple[str, list[int]]:
    return tensor.get_dtype(), list(tensor.get_shape())
