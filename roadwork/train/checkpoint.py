"""A trained head on disk, without pickle: the two files of `head_folder`, written from a head and made one again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from roadwork.errors import BundleError
from roadwork.model.head import Head
from roadwork.model.head_config import HeadSpec
from roadwork.train.head_folder import FIX, RULE, WEIGHTS, describe_head, read_head_folder
from roadwork.train.head_weights import read_head_weights
from roadwork.train.hollow import hollow_head


def save_head(
    folder: Path, head: Head, spec: HeadSpec, details: Mapping[str, Any], *, beside: tuple[str, ...] = ()
) -> str:
    """Write `head` into the existing `folder`, which the caller publishes; returns the SHA-256 of its weights' file.

    Equal heads give equal bytes. `details` is any JSON: where the head comes from and what it reached. `beside` names
    files that lie in `folder` already and are of this head: their digests are recorded.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in head.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    return describe_head(folder, spec, details, beside=beside)


def load_head(folder: Path) -> tuple[Head, HeadSpec, dict[str, Any]]:
    """The head in `folder` (on the CPU, in evaluation mode), its spec and its details.

    Raises BundleError when a file is missing, `head.json` isn't byte for byte what was written, the weights don't have
    the recorded digest, don't fit the spec, or aren't all finite.
    """
    description = read_head_folder(folder)
    weights = folder / WEIGHTS
    try:
        head = build_head(description.spec, read_head_weights(weights, description.spec))
    except (ValueError, SafetensorError, RuntimeError, OSError) as error:
        raise BundleError(
            f"the head doesn't fit its description: {error}", where=str(weights), rule=RULE, fix=FIX
        ) from error
    return head, description.spec, description.details


def build_head(spec: HeadSpec, state: Mapping[str, Tensor]) -> Head:
    """A head of `spec` with a copy of the weights `state`, in evaluation mode. No random number is drawn for it.

    Raises RuntimeError where they don't fit the spec.
    """
    head = hollow_head(spec)
    head.load_state_dict({name: tensor.detach().clone() for name, tensor in state.items()}, assign=True)
    without = [name for name, value in (*head.named_parameters(), *head.named_buffers()) if value.is_meta]
    if without:
        raise RuntimeError(f"the head's `{without[0]}` isn't among its weights and would stay without values")
    return head.eval()
