"""Read a file that a stranger's table or folder names: only a regular one, and never waiting for anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from roadwork.errors import PhotographError
from roadwork.printable import printable
from roadwork.storage.place import Place

BYTES_PER_MEGABYTE = 1_000_000

_KINDS = (
    (stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip


def read_regular_file(path: Path, *, max_bytes: int | None = None) -> bytes:
    """The content of the regular file that `path` is or links to.

    What it is counts once it is open, so nothing can be put in its place meanwhile; a pipe is never waited for, a
    device never touched, and a file of more than `max_bytes` (None: any size) is refused before it is read.

    Raises PhotographError, with a rule for the rejects file, for anything else and where reading fails.
    """
    require_regular_file(path, max_bytes=max_bytes)  # opening alone can start a device
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(handle, "rb") as stream:
            _check(path, os.fstat(handle), max_bytes)
            content = stream.read() if max_bytes is None else stream.read(max_bytes + 1)
    except OSError as error:
        raise _unreadable(path, error) from None
    if max_bytes is not None and len(content or b"") > max_bytes:  # it grew, or didn't tell its size
        raise too_large(path, len(content), max_bytes)
    return content or b""


def require_regular_file(path: Path, *, max_bytes: int | None = None) -> None:
    """PhotographError unless `path` is or links to a regular file of at most `max_bytes`; nothing is opened."""
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    _check(path, found, max_bytes)


def _check(path: Path, found: os.stat_result, max_bytes: int | None) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for is_one, name in _KINDS if is_one(found.st_mode)), "something else")
        raise PhotographError(
            f"{printable(path.name)}: {kind}", where=str(path), rule=f"a photograph is a regular file: this is {kind}"
        )
    if max_bytes is not None and found.st_size > max_bytes:
        raise too_large(path, found.st_size, max_bytes)


def too_large(path: Place, size_bytes: int, max_bytes: int) -> PhotographError:
    """The error for a photograph of `size_bytes`."""
    return PhotographError(f"{printable(path.name)}: too large", where=str(path), rule=size_rule(size_bytes, max_bytes))


def size_rule(size_bytes: int, max_bytes: int) -> str:
    """The rule that a file of `size_bytes` breaks."""
    sizes = f"{size_bytes / BYTES_PER_MEGABYTE:.1f} of {max_bytes / BYTES_PER_MEGABYTE:g} MB"
    return f"at most ingest.max_file_megabytes large: {sizes}"


def _unreadable(path: Path, error: OSError | ValueError) -> PhotographError:
    name = printable(path.name)
    if isinstance(error, FileNotFoundError):
        why, rule = "no such file", "the file must exist"
        if path.is_symlink():
            why, rule = "a link to nothing", "the file must exist: this is a link to nothing"
    else:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        rule = f"the file must be readable: {why}"
    return PhotographError(f"{name}: {why}", where=str(path), rule=rule)
