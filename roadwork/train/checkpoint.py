"""A trained head on disk, without pickle: `head.safetensors` (weights, float32) and `head.json`.

`head.json` holds spec, details, the digest of the weights and the digest of itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from roadwork.config import Section
from roadwork.errors import BundleError, ParameterError
from roadwork.model.head import Head
from roadwork.model.head_config import HeadSpec
from roadwork.publish import write_json
from roadwork.sealed_json import SEAL, parse_sealed, read_bytes, seal
from roadwork.train.head_weights import read_head_weights

WEIGHTS = "head.safetensors"
DESCRIPTION = "head.json"
_RULE = "a head is the two files head.safetensors and head.json, as its training stage wrote them"
_FIX = "run the stage that writes this folder again (`dvc repro`), or fetch it again (`dvc checkout`)"


def save_head(folder: Path, head: Head, spec: HeadSpec, details: Mapping[str, Any]) -> None:
    """Write `head` into the existing `folder`, which the caller publishes. Equal heads give equal bytes.

    `details` is any JSON: where the head comes from and what it reached.
    """
    weights = folder / WEIGHTS
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in head.state_dict().items()}, weights)
    content = {"spec": spec.model_dump(mode="json"), "weights_sha256": file_sha256(weights), "details": dict(details)}
    write_json(folder / DESCRIPTION, seal(content))


def load_head(folder: Path) -> tuple[Head, HeadSpec, dict[str, Any]]:
    """The head in `folder` (on the CPU, in evaluation mode), its spec and its details.

    Raises BundleError when a file is missing, `head.json` isn't byte for byte what was written, the weights don't have
    the recorded digest, don't fit the spec, or aren't all finite.
    """
    description = _read_description(folder / DESCRIPTION)
    weights = folder / WEIGHTS
    digest = _weights_sha256(weights)
    if digest != description.weights_sha256:
        raise BundleError(
            f"the weights have the digest {digest[:12]}…, recorded is {description.weights_sha256[:12]}…",
            where=str(weights),
            rule="the weights are exactly those that head.json describes",
            fix=_FIX,
        )
    try:
        head = build_head(description.spec, read_head_weights(weights, description.spec))
    except (ValueError, SafetensorError, RuntimeError, OSError) as error:
        raise BundleError(
            f"the head doesn't fit its description: {error}", where=str(weights), rule=_RULE, fix=_FIX
        ) from error
    return head, description.spec, description.details


def build_head(spec: HeadSpec, state: Mapping[str, Tensor]) -> Head:
    """A head of `spec` with the weights `state`, in evaluation mode. The global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        head = Head(spec)
    head.load_state_dict(state)
    return head.eval()


def file_sha256(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _Description(Section):
    """`head.json` without its seal."""

    spec: HeadSpec = Field(description="shape of the head")
    weights_sha256: str = Field(description="of the bytes of head.safetensors")
    details: dict[str, Any] = Field(description="where the head comes from and what it reached")


def _read_description(path: Path) -> _Description:
    try:
        content = parse_sealed(read_bytes(path))
        rest = {key: value for key, value in content.items() if key != SEAL}
        return _Description.model_validate_json(json.dumps(rest), strict=True)
    except FileNotFoundError as error:
        raise BundleError("there is no trained head", where=str(path), rule=_RULE, fix=_FIX) from error
    except OSError as error:
        fault = f"it can't be read: {error.strerror}"
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        fault = f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}"
    except ParameterError as error:  # a rule of the spec that the parameters have too
        fault = error.what
    except ValueError as error:  # after ValidationError, which is one too
        fault = str(error)
    raise BundleError(f"the description of a head is damaged: {fault}", where=str(path), rule=_RULE, fix=_FIX)


def _weights_sha256(weights: Path) -> str:
    if not weights.is_file():
        raise BundleError("the weights of a head are missing", where=str(weights), rule=_RULE, fix=_FIX)
    try:
        return file_sha256(weights)
    except OSError as error:
        raise BundleError(f"can't be read: {error.strerror}", where=str(weights), rule=_RULE, fix=_FIX) from error
