"""Read a bundle and check everything about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from roadwork.bundle.description import (
    CARD,
    DESCRIPTION,
    FORMAT_VERSION,
    BundleDescription,
    content_digest,
    member_folder,
)
from roadwork.errors import BundleError
from roadwork.evaluate.margins import Margins, head_margins
from roadwork.model.head import Head
from roadwork.train.checkpoint import DESCRIPTION as HEAD_DESCRIPTION
from roadwork.train.checkpoint import WEIGHTS, file_sha256, load_head

_FIX = "run `dvc repro ensemble`, or fetch the bundle again (`dvc checkout`, a fresh download)"
_RULE = "bundle.json, README.md and for each member head.safetensors and head.json, nothing else"
_HEAD_FILES = (WEIGHTS, HEAD_DESCRIPTION)


@dataclass(frozen=True)
class Bundle:
    """A checked bundle; `heads` in the order of `description.members`, on the CPU, in evaluation mode."""

    description: BundleDescription
    heads: tuple[Head, ...]

    def members(self, device: torch.device) -> list[Margins]:
        """Each member as a function of a table and of whether to hide its metadata, giving margins `[image]`."""
        return [head_margins(head, device) for head in self.heads]


def load_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`.

    Raises BundleError when it is missing, of another format, edited (digest of `bundle.json` or of any file), has
    files missing or too many, doesn't fit its schema, or holds weights that aren't finite or don't fit the spec.
    """
    content = _read(folder)
    if content.get("format_version") != FORMAT_VERSION:
        raise BundleError(
            f"the bundle has format {content.get('format_version')!r}, this version reads {FORMAT_VERSION}",
            where=str(folder / DESCRIPTION),
            fix="use the version of roadwork that wrote it, or run `dvc repro ensemble` with this one",
        )
    if content.get("sha256") != content_digest(content):
        raise BundleError("the description was changed after it was written", where=str(folder / DESCRIPTION), fix=_FIX)
    try:
        text = json.dumps({key: value for key, value in content.items() if key != "sha256"})
        description = BundleDescription.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BundleError(
            f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}", where=str(folder / DESCRIPTION), fix=_FIX
        ) from None
    _check_files(folder, description)
    return Bundle(description, tuple(_head(folder, member.fold, description) for member in description.members))


def _read(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    if not path.is_file():
        raise BundleError("there is no trained bundle", where=str(path), fix="run `dvc repro ensemble` to make one")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"not readable as JSON: {error}", where=str(path), fix=_FIX) from error
    if not isinstance(content, dict):
        raise BundleError("not a JSON object", where=str(path), fix=_FIX)
    return content


def _check_files(folder: Path, description: BundleDescription) -> None:
    parts = {f"{member_folder(member.fold)}/{name}" for member in description.members for name in _HEAD_FILES}
    if set(description.files) != parts | {CARD}:
        raise BundleError(
            "the listed files aren't those of the members", where=str(folder / DESCRIPTION), rule=_RULE, fix=_FIX
        )
    present = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} - {DESCRIPTION}
    for name in sorted(set(description.files) ^ present):
        state = "is missing from" if name in description.files else "doesn't belong to"
        raise BundleError(f"{name} {state} the bundle", where=str(folder), rule=_RULE, fix=_FIX)
    for name, digest in description.files.items():
        found = file_sha256(folder / name)
        if found != digest:
            raise BundleError(
                f"{name} was changed: its sha256 is {found[:12]}…, recorded is {digest[:12]}…",
                where=str(folder / name),
                rule="a bundle is exactly what the ensemble stage wrote, its model card included",
                fix=_FIX,
            )


def _head(folder: Path, fold: int, description: BundleDescription) -> Head:
    inside = folder / member_folder(fold)
    head, spec, _ = load_head(inside)
    if spec != description.spec:
        raise BundleError("a member has another shape than the bundle says", where=str(inside), fix=_FIX)
    for name, weight in head.state_dict().items():
        if not torch.isfinite(weight).all():
            raise BundleError(
                f"the weights `{name}` hold NaN or infinity", where=str(inside), rule="all weights are finite", fix=_FIX
            )
    return head
