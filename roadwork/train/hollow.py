"""A head without weights: the names and shapes of its own, and a place for weights that are there already.

Drawing ten million random numbers only to replace them takes longer than a stage has time. Building under
`torch.device("meta")` would draw none, but PyTorch then loads its symbolic machinery, for seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from roadwork.model.head import Head
from roadwork.model.head_config import HeadSpec

_ALLOCATE = frozenset({torch.empty, torch.zeros, torch.ones})


def hollow_head(spec: HeadSpec) -> Head:
    """A head of `spec` whose weights have shapes, but neither memory nor values, however large they are.

    No random number is drawn. What isn't among the weights (`state_dict`) and is computed, not allocated, has its
    values.
    """
    with _Hollow():
        return Head(spec)


class _Hollow(TorchFunctionMode):
    """Inside, what allocates allocates nothing, and what draws initial values leaves things as they are."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else given["tensor"]
        return func(*args, **(given | {"device": "meta"} if func in _ALLOCATE else given))
