"""A trained head on disk: `head.safetensors` (weights, float32) and `head.json` (spec, digest, details). No pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from roadwork.errors import BundleError
from roadwork.model.head import Head, HeadSpec
from roadwork.publish import write_json

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
    write_json(
        folder / DESCRIPTION,
        {
            "spec": spec.model_dump(mode="json"),
            "weights_sha256": file_sha256(weights),
            "details": dict(details),
        },
    )


def load_head(folder: Path) -> tuple[Head, HeadSpec, dict[str, Any]]:
    """The head in `folder` (on the CPU, in evaluation mode), its spec and its details.

    Raises BundleError when a file is missing, the weights don't have the recorded digest, or they don't fit the spec.
    """
    description = _read_description(folder / DESCRIPTION)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise BundleError("the weights of a head are missing", where=str(weights), rule=_RULE, fix=_FIX)
    digest = file_sha256(weights)
    if digest != description["weights_sha256"]:
        raise BundleError(
            f"the weights have the digest {digest[:12]}…, recorded is {description['weights_sha256'][:12]}…",
            where=str(weights),
            rule="the weights are exactly those that head.json describes",
            fix=_FIX,
        )
    try:
        spec = HeadSpec.model_validate_json(json.dumps(description["spec"]), strict=True)
        head = build_head(spec, load_file(weights))
    except (ValidationError, SafetensorError, RuntimeError) as error:
        raise BundleError(
            f"the head doesn't fit its description: {error}", where=str(folder), rule=_RULE, fix=_FIX
        ) from error
    return head, spec, description["details"]


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


def _read_description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError("there is no trained head", where=str(path), rule=_RULE, fix=_FIX) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"not readable as JSON: {error}", where=str(path), rule=_RULE, fix=_FIX) from error
    if not isinstance(description, dict) or {"spec", "weights_sha256", "details"} - description.keys():
        raise BundleError(
            "a description without spec, weights_sha256 and details", where=str(path), rule=_RULE, fix=_FIX
        )
    return description
