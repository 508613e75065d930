"""Who is working on which rows of the embedding cache: a file for each process, void as soon as its process is dead.

    <root>/embeddings/<fingerprint key>/claims/<process>-<random>   one image id a line; the first line is for people

A claim stands for as long as its process holds a `flock` on it, which the kernel drops however the process ends, in
another container too. So nothing has to be believed of process numbers or clocks, and what a killed process leaves is
an empty shell that whoever looks next removes. Claims are made, rewritten and read under the fingerprint's lock
(`LocalBlocks.locked`), so one can be rewritten in place.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

FOLDER = "claims"
_ATTEMPTS = 100


@dataclass(frozen=True)
class Claimed:
    """What another process has taken."""

    name: str
    owner: str  # for people
    image_ids: frozenset[str]
    beat: int  # changes whenever its process has finished something


class Claim(Protocol):
    """This process's claim. It exists from the first `hold` to `release`, with or without images in it."""

    def hold(self, image_ids: Iterable[str]) -> None:
        """Claim exactly `image_ids` from now on. Under the fingerprint's lock, where there is one."""
        ...

    def contested(self) -> set[str]:
        """Of the images that are held, those that another process holds too, and may keep. None where locks exclude it.

        Under no lock two processes may claim the same image; of the two the one whose claim's name is less keeps it.
        """
        ...

    def others(self) -> list[Claimed]:
        """What other living processes have claimed; what dead ones left is removed."""
        ...

    def beat(self) -> None:
        """Show those who wait that this process is not standing still. Needs no lock."""
        ...

    def release(self) -> None:
        """Give everything back; nothing is left. Needs no lock, and never fails: it belongs to every way out."""
        ...


class LocalClaim(Claim):
    """A file that its process keeps locked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / FOLDER / f"{os.getpid()}-{uuid4().hex[:8]}"
        self._handle: int | None = None

    @property
    def name(self) -> str:
        """Its file's name."""
        return self._path.name

    def hold(self, image_ids: Iterable[str]) -> None:
        """Write the file anew, in place."""
        if self._handle is not None and os.fstat(self._handle).st_nlink == 0:
            self._close()  # the cache's folder was deleted: nobody can see this claim any more
        if self._handle is None:
            self._handle = _created(self._path)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lines = [f"process {os.getpid()} on {socket.gethostname()}", *image_ids]
        content = "".join(f"{line}\n" for line in lines).encode()
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, content, 0)

    def contested(self) -> set[str]:
        """None: claims are made under the fingerprint's lock."""
        return set()

    def others(self) -> list[Claimed]:
        """See `living_claims`."""
        return living_claims(self._folder, but=self.name)

    def beat(self) -> None:
        """Touch the file."""
        if self._handle is not None:
            os.utime(self._handle)

    def release(self) -> None:
        """Remove the file."""
        if self._handle is not None:
            with suppress(OSError):  # on a disk gone bad the file stays, void: its lock goes with the handle
                self._path.unlink(missing_ok=True)
            self._close()
        _remove_if_empty(self._path.parent)

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def living_claims(folder: Path, *, but: str = "") -> list[Claimed]:
    """The claims of living processes in the fingerprint's `folder`, except the one that is called `but`.

    Those of dead processes are removed. Under the fingerprint's lock.
    """
    claims = []
    for path in sorted((folder / FOLDER).glob("*")):
        if path.name == but:
            continue
        if (claimed := _living(path)) is not None:
            claims.append(claimed)
    if not claims and not but:
        _remove_if_empty(folder / FOLDER)
    return claims


def _living(path: Path) -> Claimed | None:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        state = os.fstat(handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            lines = os.pread(handle, state.st_size, 0).decode(errors="replace").splitlines()
            return Claimed(path.name, lines[0] if lines else path.name, frozenset(lines[1:]), state.st_mtime_ns)
        path.unlink(missing_ok=True)
        return None
    finally:
        os.close(handle)


def _created(path: Path) -> int:
    for _ in range(_ATTEMPTS):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:  # another process released the last claim in the folder at this moment
            continue
    raise FileNotFoundError(errno.ENOENT, "the folder vanishes as soon as it is made", str(path.parent))


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # others have their claims in it, or it is gone
        folder.rmdir()
