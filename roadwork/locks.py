"""One at a time, between processes: a lock that leaves no file behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_FOREVER = -1.0


class Busy(Exception):  # noqa: N818  a state of affairs that the caller words for its user, not a fault
    """Somebody else holds the lock, and went on holding it for as long as was waited."""


@contextmanager
def exclusive(path: Path, *, timeout_s: float | None = None) -> Iterator[None]:
    """Hold the lock `path` within the block; wait for it at most `timeout_s` seconds (0: not at all, None: for ever).

    The kernel lets go of it when its holder dies, in whatever way. The file is created with its folder and removed
    while it's still held: whoever waits on the removed inode finds it nameless and opens the name anew.

    Raises Busy when the time is over, OSError where no lock file can be made.
    """
    lock = FileLock(path, timeout=_FOREVER if timeout_s is None else timeout_s)
    try:
        _acquire(lock, path)
    except Timeout:
        raise Busy(str(path)) from None
    try:
        ours = _identity(path)
        try:
            yield
        finally:
            if _identity(path) == ours:  # else the name was taken away from under us, and may be another's lock by now
                path.unlink(missing_ok=True)
    finally:
        lock.release()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _acquire(lock: FileLock, path: Path) -> None:
    for last in (False, True):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
            return
        except FileNotFoundError:  # somebody removed the folder at this very moment
            if last:
                raise
