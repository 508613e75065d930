"""The weights file of a head, checked against the head's spec before memory is taken for either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from roadwork.model.head import Head
from roadwork.model.head_config import HeadSpec

_LARGEST_NUMBER = 2**16
"""No width, number of layers or number of views is larger: a spec is read from files that nobody vouches for."""

_MOST_TENSORS = 10_000


def read_head_weights(path: Path, spec: HeadSpec) -> dict[str, Tensor]:
    """The tensors of `path` by name, which are exactly those of a head of `spec`, float32 and finite.

    Names, types and shapes are compared first, with the file's header alone and a head without memory, so a spec of
    absurd numbers costs nothing. Raises ValueError, with the first difference; SafetensorError for a damaged file.
    """
    largest = max(_integers(spec.model_dump()), default=0)
    if largest > _LARGEST_NUMBER:
        raise ValueError(f"its description holds the number {largest}, at most {_LARGEST_NUMBER} is allowed")
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
        if len(names) > _MOST_TENSORS:
            raise ValueError(f"{len(names)} tensors, at most {_MOST_TENSORS} are allowed")
        found = {name: _header(file.get_slice(name)) for name in names}
    if spec.head.attention.layers > len(found) or len(spec.head.pyramid.dims) > len(found):
        raise ValueError("its description has more layers than there are tensors")
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        expected = {name: ("F32", list(tensor.shape)) for name, tensor in Head(spec).state_dict().items()}
    for name in sorted(expected.keys() | found.keys()):
        if found.get(name) != expected.get(name):
            raise ValueError(f"`{name}` is {_told(found.get(name))}, expected is {_told(expected.get(name))}")
    tensors = load_file(path)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"the weights `{name}` hold NaN or infinity")
    return tensors


def _header(tensor: Any) -> tuple[str, list[int]]:
    return tensor.get_dtype(), list(tensor.get_shape())


def _told(header: tuple[str, list[int]] | None) -> str:
    return "missing" if header is None else f"{header[0]} {header[1]}"


def _integers(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in _integers(item)]
    if isinstance(value, list | tuple):
        return [number for item in value for number in _integers(item)]
    return [value] if isinstance(value, int) else []
