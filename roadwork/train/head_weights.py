"""The weights file of a head, checked against the head's spec before memory is taken for either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from roadwork.model.head_config import HeadSpec
from roadwork.train.hollow import hollow_head
from roadwork.train.weights_file import check_finite, read_header

_LARGEST_NUMBER = 2**16
"""No width, number of layers or number of views is larger: a spec is read from files that nobody vouches for."""


def read_head_weights(path: Path, spec: HeadSpec) -> dict[str, Tensor]:
    """The tensors of `path` by name, which are exactly those of a head of `spec`, float32 and finite.

    Names, types and shapes are compared first, with the file's header alone and a head without memory, so a spec of
    absurd numbers costs nothing. Raises ValueError, with the first difference; SafetensorError for a damaged file.
    """
    largest = max(_integers(spec.model_dump()), default=0)
    if largest > _LARGEST_NUMBER:
        raise ValueError(f"its description holds the number {largest}, at most {_LARGEST_NUMBER} is allowed")
    found = read_header(path)
    if spec.head.attention.layers > len(found) or len(spec.head.pyramid.dims) > len(found):
        raise ValueError("its description has more layers than there are tensors")
    expected = {name: ("F32", list(tensor.shape)) for name, tensor in hollow_head(spec).state_dict().items()}
    for name in sorted(expected.keys() | found.keys()):
        if found.get(name) != expected.get(name):
            raise ValueError(f"`{name}` is {_told(found.get(name))}, expected is {_told(expected.get(name))}")
    tensors = load_file(path)
    for name, tensor in tensors.items():
        check_finite(name, tensor.numpy())
    return tensors


def _told(header: tuple[str, list[int]] | None) -> str:
    return "missing" if header is None else f"{header[0]} {header[1]}"


def _integers(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in _integers(item)]
    if isinstance(value, list | tuple):
        return [number for item in value for number in _integers(item)]
    return [value] if isinstance(value, int) else []
