"""Where something is written before it is published, and how the draft of a dead writer is told from a living one's.

    .<name>.<random>.partial/             the draft
    .<name>.<random>.partial/<name>       what is being written, under its own name: writers go by the ending
    .<name>.<random>.partial/<name>.lock  its writer holds a `flock` on this file
    .<name>.<random>.partial/<name>.old   an earlier folder, for the moment in which the new one takes its place

The kernel drops the lock however its holder ends, in another container too. So a draft that can be locked is a dead
writer's, whatever has become of its process number, and the next publication under the name removes it. The lock is
a file of its own, because writers may replace the file they write, and because NFS locks no folders. Where a file
system has no locks at all, leftovers of killed writers stay until someone deletes them.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

SUFFIX = ".partial"
"""What every draft's name ends in."""

_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EBADF}


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Yield a new folder of this process beside `path`, and remove it; what killed processes left goes as well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_dead_drafts(glob.escape(path.name), path.parent)
    draft, handle = _new(path)
    try:
        yield draft
    finally:
        _discard(draft, path.name, handle)


def remove_dead_drafts(pattern: str, folder: Path) -> None:
    """Remove the drafts of dead writers of the names `pattern` in `folder`; those of living ones stay.

    An earlier folder that a killed writer had moved out of the way and not yet replaced gets its place back.
    """
    for draft in sorted(folder.glob(f".{pattern}.*{SUFFIX}")):
        if not draft.is_dir() or draft.is_symlink():
            with suppress(OSError):
                draft.unlink()  # drafts are folders: this is nobody's
            continue
        name = draft.name[1 : -len(SUFFIX)].rpartition(".")[0]
        handle = _locked(draft, name)
        if handle is not None:
            try:
                put_back(earlier(draft, name), folder / name)
            finally:
                _discard(draft, name, handle)


def earlier(draft: Path, name: str) -> Path:
    """Where in `draft` what had the name before is kept until its successor is in place."""
    return draft / f"{name}.old"


def put_back(old: Path, path: Path) -> None:
    """Move `old`, if there is one, back to `path`, unless that has got its new content."""
    if os.path.lexists(old) and not os.path.lexists(path):
        os.replace(old, path)


def _lock(draft: Path, name: str) -> Path:
    return draft / f"{name}.lock"


def _new(path: Path) -> tuple[Path, int]:
    """A draft beside `path` and the handle that holds its lock."""
    while True:
        draft = path.with_name(f".{path.name}.{uuid4().hex[:12]}{SUFFIX}")
        lock = _lock(draft, path.name)
        try:
            draft.mkdir()
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise
            continue  # another process took it for a dead one's before there was a lock
        except BaseException:
            _remove(draft)
            raise
        try:
            if _is_held(handle, lock):
                return draft, handle
        except BaseException:
            _discard(draft, path.name, handle)
            raise
        os.close(handle)


def _is_held(handle: int, lock: Path) -> bool:
    """Take the lock of a new draft; False where another process has got in between and removes it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), os.stat(lock))
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return True
        raise


def _locked(draft: Path, name: str) -> int | None:
    """A handle with the lock of a dead writer's `draft`; None where its writer lives or another process removes it."""
    lock = _lock(draft, name)
    try:
        handle = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        try:
            draft.rmdir()  # its writer died at once, or is about to begin and then begins anew
        except OSError:
            if not lock.exists():  # what has entries has its lock first, and loses it last
                _remove(draft)
        return None
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _discard(draft: Path, name: str, handle: int) -> None:
    """Remove `draft`, its lock last and after its handle: NFS keeps the name of a file that is open.

    What can't be removed is left to the next publication.
    """
    lock = _lock(draft, name).name
    try:
        with suppress(OSError):
            for entry in list(os.scandir(draft)):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                elif entry.name != lock:
                    os.unlink(entry.path)
    finally:
        try:
            os.close(handle)
        finally:
            _remove(draft)


def _remove(draft: Path) -> None:
    try:
        shutil.rmtree(draft, ignore_errors=True)
    except BaseException:  # an interrupt: it comes but once, and nothing is to be left
        shutil.rmtree(draft, ignore_errors=True)
        raise
