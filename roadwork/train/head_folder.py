"""The files of a trained head, read and written without torch: `head.safetensors` (weights, float32) and `head.json`.

`head.json` holds spec, details, the digest of the weights and the digest of itself. Beside them may lie what the head
said when it was trained; its details then hold the digests of those files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from roadwork.config import Section
from roadwork.errors import BundleError, ParameterError
from roadwork.model.head_config import HeadSpec
from roadwork.publish import write_json
from roadwork.sealed_json import SEAL, parse_sealed, read_bytes, seal

WEIGHTS = "head.safetensors"
DESCRIPTION = "head.json"
PREDICTIONS = "predictions.parquet"
HOLDOUT = "holdout.parquet"
EVIDENCE = "evidence.parquet"
RULE = "a head is the two files head.safetensors and head.json, as its training stage wrote them"
FIX = "run the stage that writes this folder again (`dvc repro`), or fetch it again (`dvc checkout`)"

_FILES = "files"


class HeadDescription(Section):
    """`head.json` without its seal."""

    spec: HeadSpec = Field(description="shape of the head")
    weights_sha256: str = Field(description="of the bytes of head.safetensors")
    details: dict[str, Any] = Field(description="where the head comes from and what it reached")


def describe_head(folder: Path, spec: HeadSpec, details: Mapping[str, Any], *, beside: tuple[str, ...] = ()) -> str:
    """Write `head.json` for the weights that lie in `folder`; returns their digest.

    `details` is any JSON. The digests of the files named `beside`, which lie there too, are added to it as `files`.
    """
    digest = file_sha256(folder / WEIGHTS)
    files = {_FILES: {name: file_sha256(folder / name) for name in beside}} if beside else {}
    content = {"spec": spec.model_dump(mode="json"), "weights_sha256": digest, "details": {**details, **files}}
    write_json(folder / DESCRIPTION, seal(content))
    return digest


def read_head_folder(folder: Path) -> HeadDescription:
    """What `head.json` in `folder` says, the weights beside it having the digest that it records.

    Raises BundleError when one of the two files is missing, `head.json` isn't byte for byte what was written, or the
    weights have another digest. Whether they fit the spec, and are numbers, is seen when they are loaded.
    """
    description = _read_description(folder / DESCRIPTION)
    weights = folder / WEIGHTS
    digest = _weights_sha256(weights)
    if digest != description.weights_sha256:
        raise BundleError(
            f"the weights have the digest {digest[:12]}…, recorded is {description.weights_sha256[:12]}…",
            where=str(weights),
            rule="the weights are exactly those that head.json describes",
            fix=FIX,
        )
    return description


def file_beside(folder: Path, details: Mapping[str, Any], name: str, *, stage: str) -> Path:
    """The file `name` in the `folder` of the head with these `details`; BundleError unless it is that head's."""
    told = details.get(_FILES)
    digest = told.get(name) if isinstance(told, dict) else None
    path = folder / name
    found = file_sha256(path) if path.is_file() else "missing"
    if found != digest:
        what = f"{name} is missing" if found == "missing" else f"{name} isn't what this head said"
        raise BundleError(
            what,
            where=str(path),
            rule="what a head said is published with it, and head.json has its digest",
            fix=f"run `roadwork {stage}` again",
        )
    return path


def file_sha256(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_description(path: Path) -> HeadDescription:
    try:
        content = parse_sealed(read_bytes(path))
        rest = {key: value for key, value in content.items() if key != SEAL}
        return HeadDescription.model_validate_json(json.dumps(rest), strict=True)
    except FileNotFoundError as error:
        raise BundleError("there is no trained head", where=str(path), rule=RULE, fix=FIX) from error
    except OSError as error:
        fault = f"it can't be read: {error.strerror}"
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        fault = f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}"
    except ParameterError as error:  # a rule of the spec that the parameters have too
        fault = error.what
    except ValueError as error:  # after ValidationError, which is one too
        fault = str(error)
    raise BundleError(f"the description of a head is damaged: {fault}", where=str(path), rule=RULE, fix=FIX)


def _weights_sha256(weights: Path) -> str:
    if not weights.is_file():
        raise BundleError("the weights of a head are missing", where=str(weights), rule=RULE, fix=FIX)
    try:
        return file_sha256(weights)
    except OSError as error:
        raise BundleError(f"can't be read: {error.strerror}", where=str(weights), rule=RULE, fix=FIX) from error
