"""What the system says when something can't be written, as one message: no traceback for a full disk."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roadwork.errors import StoreError

DISK_FAULTS = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "mount it for writing, or work elsewhere",
    errno.EACCES: "mend the permissions, or work elsewhere",
    errno.EPERM: "mend the permissions, or work elsewhere",
    errno.ENOTDIR: "rename or remove the file that stands where a folder is needed",
    errno.EEXIST: "rename or remove the file that stands where a folder is needed",
    errno.EISDIR: "rename or remove the folder that stands where a file is needed",
    errno.ENAMETOOLONG: "work in a folder with a shorter path",
    errno.EBUSY: "unmount what is mounted there, or work elsewhere",
    errno.EIO: "check the disk",
    errno.ENXIO: "check the disk",
    errno.ESTALE: "mount the network disk again",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "end other programs: the machine has too many files open",
}
"""What to do about each fault of a disk, by the number that the system gives it."""

_GONE = "leave the folder alone while it is being written"
_NATIVE_FAULT = re.compile(r"os error (\d+)")  # how libraries written in Rust report one
_PROBE_BYTES = 65536


@contextmanager
def disk_faults_told(path: Path) -> Iterator[None]:
    """Turn what the system says when `path` can't be written into a StoreError; everything else passes.

    So does a fault of a file that has nothing to do with `path`, an input for example.
    """
    try:
        yield
    except Exception as error:
        at = _place(error)
        number = _number(error, path)
        if number is None or (at is not None and not _related(at, path.parent)):
            raise
        raise StoreError(
            f"{path.name} can't be written: {os.strerror(number)}",
            where=str(path) if at is None else f"{path} (at {at})",
            rule="results need a writable folder with free space; what was there before stays",
            fix=f"{DISK_FAULTS.get(number, _GONE)}, then run the same command again",
        ) from error


def _number(error: Exception, path: Path) -> int | None:
    """The number of the disk's fault behind `error`, also where a library has wrapped it; None for any other error."""
    if isinstance(error, OSError):
        at = _place(error)
        if error.errno == errno.ENOENT:
            return errno.ENOENT if at is not None and not at.parent.exists() else None
        number = error.errno or _probed(path.parent)
    else:
        native = _NATIVE_FAULT.search(str(error))
        number = int(native[1]) if native else None
    return number if number in DISK_FAULTS else None


def _probed(folder: Path) -> int | None:
    """Why `folder` takes no bytes; None if it does.

    NumPy and Pillow keep the system's reason to themselves. To be asked while what they wrote is still there.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno
    return None


def _place(error: Exception) -> Path | None:
    name = getattr(error, "filename", None)
    return Path(os.path.abspath(os.fsdecode(name))) if isinstance(name, str | bytes | os.PathLike) else None


def _related(place: Path, folder: Path) -> bool:
    """Whether `place` lies in `folder`, or `folder` in it."""
    one, other = (Path(os.path.realpath(path)) for path in (place, folder))
    return one.is_relative_to(other) or other.is_relative_to(one)
