"""What a bundle says of itself, and whether its files are those that it speaks of: without torch."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from roadwork.bundle.description import CARD, DESCRIPTION, FORMAT_VERSION, BundleDescription, member_folder
from roadwork.errors import BundleError, ParameterError
from roadwork.sealed_json import SEAL, parse_object, parse_sealed, read_bytes
from roadwork.train.head_folder import DESCRIPTION as HEAD_DESCRIPTION
from roadwork.train.head_folder import WEIGHTS, file_sha256

FIX = "run `dvc repro ensemble`, or fetch the bundle again (`dvc checkout`, a fresh download)"
_RULE = "bundle.json, README.md and for each member head.safetensors and head.json, nothing else"
_HEAD_FILES = (WEIGHTS, HEAD_DESCRIPTION)


def read_bundle(folder: Path) -> BundleDescription:
    """What the bundle in `folder` says of itself; its files are those that it lists, byte for byte.

    Raises BundleError as `read_description` does, and where a file is missing, too many, or was changed. Whether the
    weights are numbers that fit their spec is seen when they are loaded.
    """
    description = read_description(folder)
    _check_files(folder, description)
    return description


def read_description(folder: Path) -> BundleDescription:
    """What `bundle.json` in `folder` says; the other files aren't looked at.

    Raises BundleError when it is missing, of another format, edited (its seal), or doesn't fit its schema.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise BundleError("there is no trained bundle", where=str(path), fix="run `dvc repro ensemble` to make one")
    try:
        raw = read_bytes(path)
        content = parse_object(raw)
    except OSError as error:
        raise BundleError(f"can't be read: {error.strerror}", where=str(path), fix=FIX) from error
    except ValueError as error:
        raise BundleError(f"not readable as JSON: {error}", where=str(path), fix=FIX) from error
    if content.get("format_version") != FORMAT_VERSION:
        raise BundleError(
            f"the bundle has format {content.get('format_version')!r}, this version reads {FORMAT_VERSION}",
            where=str(path),
            fix="use the version of roadwork that wrote it, or run `dvc repro ensemble` with this one",
        )
    try:
        parse_sealed(raw)
    except ValueError as error:
        raise BundleError(f"the description is not as it was written: {error}", where=str(path), fix=FIX) from error
    try:
        text = json.dumps({key: value for key, value in content.items() if key != SEAL})
        return BundleDescription.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BundleError(f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}", where=str(path), fix=FIX) from None
    except ParameterError as error:  # a rule of the spec that the parameters have too
        raise BundleError(f"`spec`: {error.what}", where=str(path), fix=FIX) from error


def _check_files(folder: Path, description: BundleDescription) -> None:
    parts = {f"{member_folder(member.fold)}/{name}" for member in description.members for name in _HEAD_FILES}
    if set(description.files) != parts | {CARD}:
        raise BundleError(
            "the listed files aren't those of the members", where=str(folder / DESCRIPTION), rule=_RULE, fix=FIX
        )
    entries = [entry for entry in sorted(folder.rglob("*")) if not entry.is_dir() or entry.is_symlink()]
    present = {entry.relative_to(folder).as_posix() for entry in entries} - {DESCRIPTION}
    for name in sorted(set(description.files) ^ present):
        state = "is missing from" if name in description.files else "doesn't belong to"
        raise BundleError(f"{name} {state} the bundle", where=str(folder), rule=_RULE, fix=FIX)
    for name, digest in sorted(description.files.items()):
        # A link to a file is let pass, because DVC can be told to link into its cache: the digest says what is read.
        if not (folder / name).is_file():
            raise BundleError(f"{name} is no regular file", where=str(folder / name), rule=_RULE, fix=FIX)
        try:
            found = file_sha256(folder / name)
        except OSError as error:
            raise BundleError(f"can't be read: {error.strerror}", where=str(folder / name), fix=FIX) from error
        if found != digest:
            raise BundleError(
                f"{name} was changed: its sha256 is {found[:12]}…, recorded is {digest[:12]}…",
                where=str(folder / name),
                rule="a bundle is exactly what the ensemble stage wrote, its model card included",
                fix=FIX,
            )
