"""The shape annotations are checked while the tests run: pyproject.toml loads the packages through jaxtyping's hook."""

from __future__ import annotations

import pytest
import torch
from jaxtyping import TypeCheckError

from roadwork.model.attention import attention
from roadwork.model.gps import GpsEncoder
from roadwork.model.head import Head
from roadwork.model.head_config import PyramidConfig
from roadwork.model.metadata import Metadata
from roadwork.model.pyramid import Pyramid
from roadwork.train.losses import consistency


def test_a_wrong_shape_is_caught(toy_spec):
    spec = toy_spec()
    with pytest.raises(TypeCheckError):
        Head(spec)(torch.zeros(4, 10), Metadata.null(4, spec.metadata))
    with pytest.raises(TypeCheckError):
        GpsEncoder(8)(torch.zeros(4, 2), torch.zeros(3, dtype=torch.bool))
    with pytest.raises(TypeCheckError):
        consistency(torch.zeros(4, 2))


def test_a_wrong_kind_of_number_is_caught():
    with pytest.raises(TypeCheckError):
        Pyramid(PyramidConfig(enabled=True, dims=(4,)), 4, 0.0)(torch.zeros(1, 2, 4, dtype=torch.int64))


def test_sizes_are_compared_across_arguments():
    q, k = torch.zeros(1, 2, 3, 4), torch.zeros(1, 5, 3, 8)
    with pytest.raises(TypeCheckError):
        attention(q, k, k, backend="sdpa")
