"""Read a bundle and check everything about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError

from roadwork.bundle.description import (
    CARD,
    DESCRIPTION,
    FORMAT_VERSION,
    BundleDescription,
    member_folder,
)
from roadwork.errors import BundleError, ParameterError
from roadwork.evaluate.margins import Margins, head_margins
from roadwork.model.head import Head
from roadwork.sealed_json import SEAL, parse_object, parse_sealed, read_bytes
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
    """The bundle in `folder`, which nobody vouches for: nothing of it is believed, and nothing of it is run.

    Raises BundleError when it is missing, of another format, edited (digest of `bundle.json` or of any file), has
    files missing or too many, doesn't fit its schema, or holds weights that aren't finite or don't fit the spec.
    """
    description = read_description(folder)
    _check_files(folder, description)
    return Bundle(description, tuple(_head(folder, member.fold, description) for member in description.members))


def read_description(folder: Path) -> BundleDescription:
    """What `bundle.json` in `folder` says; the other files aren't looked at. The errors are those of `load_bundle`."""
    path = folder / DESCRIPTION
    if not path.is_file():
        raise BundleError("there is no trained bundle", where=str(path), fix="run `dvc repro ensemble` to make one")
    try:
        raw = read_bytes(path)
        content = parse_object(raw)
    except OSError as error:
        raise BundleError(f"can't be read: {error.strerror}", where=str(path), fix=_FIX) from error
    except ValueError as error:
        raise BundleError(f"not readable as JSON: {error}", where=str(path), fix=_FIX) from error
    if content.get("format_version") != FORMAT_VERSION:
        raise BundleError(
            f"the bundle has format {content.get('format_version')!r}, this version reads {FORMAT_VERSION}",
            where=str(path),
            fix="use the version of roadwork that wrote it, or run `dvc repro ensemble` with this one",
        )
    try:
        parse_sealed(raw)
    except ValueError as error:
        raise BundleError(f"the description is not as it was written: {error}", where=str(path), fix=_FIX) from error
    try:
        text = json.dumps({key: value for key, value in content.items() if key != SEAL})
        return BundleDescription.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BundleError(f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}", where=str(path), fix=_FIX) from None
    except ParameterError as error:  # a rule of the spec that the parameters have too
        raise BundleError(f"`spec`: {error.what}", where=str(path), fix=_FIX) from error


def _check_files(folder: Path, description: BundleDescription) -> None:
    parts = {f"{member_folder(member.fold)}/{name}" for member in description.members for name in _HEAD_FILES}
    if set(description.files) != parts | {CARD}:
        raise BundleError(
            "the listed files aren't those of the members", where=str(folder / DESCRIPTION), rule=_RULE, fix=_FIX
        )
    entries = [entry for entry in folder.rglob("*") if not entry.is_dir() or entry.is_symlink()]
    present = {entry.relative_to(folder).as_posix() for entry in entries} - {DESCRIPTION}
    for name in sorted(set(description.files) ^ present):
        state = "is missing from" if name in description.files else "doesn't belong to"
        raise BundleError(f"{name} {state} the bundle", where=str(folder), rule=_RULE, fix=_FIX)
    for name, digest in sorted(description.files.items()):
        # A link to a file is let pass, because DVC can be told to link into its cache: the digest says what is read.
        if not (folder / name).is_file():
            raise BundleError(f"{name} is no regular file", where=str(folder / name), rule=_RULE, fix=_FIX)
        try:
            found = file_sha256(folder / name)
        except OSError as error:
            raise BundleError(f"can't be read: {error.strerror}", where=str(folder / name), fix=_FIX) from error
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
    return head
