"""Whether a file of weights is the one that the parameters name by its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from roadwork.errors import BackboneError


def require_digest(file: Path, sha256: str | None, *, parameter: str) -> None:
    """Raise BackboneError, saying both digests, unless the bytes of `file` have the SHA-256 `sha256` (None: any).

    `parameter` is the dotted name of the one that holds the digest.
    """
    if sha256 is None:
        return
    try:
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BackboneError(f"the weights can't be read: {error}", where=str(file), fix="put the file there") from error
    if found != sha256:
        raise BackboneError(
            f"the weights file has the sha256 {found}, and {parameter} is {sha256}",
            where=str(file),
            rule="the file is, byte for byte, the one that the parameters name",
            fix=f"get the right file; or, where this one is meant and you trust it, set {parameter} to its digest",
        )
