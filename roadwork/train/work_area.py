"""Where an unfinished training keeps its states: a folder in the user's cache, for one process at a time.

A run's work area is a folder whose name is the digest of everything that determines the run; another configuration
never meets it. It lies outside DVC: an output that DVC sees half-written would be reverted by `dvc exp run`.

A kill finds either the state or the complete results: the area is given up with one rename, after they are published.

No torch: a stage looks here before it loads anything.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from roadwork.errors import StoreError
from roadwork.locks import Busy, exclusive
from roadwork.progress import note


@contextmanager
def work_area(root: Path, digest: str) -> Iterator[Path]:
    """The folder for the states of the run `digest` under `root`, for this process alone: another one is waited for.

    Publish the result inside the `with`: on a clean exit the folder is removed, on an error it stays for the next try.
    Raises StoreError where no folder can be written.
    """
    folder, given_up = root / digest, root / f".{digest}.partial"
    with ExitStack() as stack:
        try:
            _enter_alone(stack, root / f"{digest}.lock")
            remove(given_up)  # a kill came while it was being removed
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from error
        yield folder
        try:
            _give_up(folder, given_up)
        except OSError as error:
            raise unwritable(folder, error) from error


@contextmanager
def kept_area(root: Path, digest: str) -> Iterator[Path | None]:
    """The same folder, without waiting: None where another process is at that run. What is written there stays."""
    folder = root / digest
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(root / f"{digest}.lock", timeout_s=0))
            folder.mkdir(parents=True, exist_ok=True)
        except Busy:
            yield None
            return
        except OSError as error:
            raise unwritable(folder, error) from error
        try:
            yield folder
        finally:
            with suppress(OSError):  # nothing was trained there
                folder.rmdir()


def _enter_alone(stack: ExitStack, lock: Path) -> None:
    """Hold `lock` for as long as `stack`; a process that is at the very same run is let finish first."""
    try:
        stack.enter_context(exclusive(lock, timeout_s=0))
    except Busy:
        note(f"Another process is training exactly this run: waiting until it has ended ({lock}).")
        stack.enter_context(exclusive(lock))


def _give_up(folder: Path, given_up: Path) -> None:
    try:
        os.replace(folder, given_up)
    except FileNotFoundError:  # somebody emptied the cache; the results are published all the same
        return
    remove(given_up)


def remove(path: Path) -> None:
    """Delete the file or folder `path`, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def unwritable(folder: Path, error: Exception) -> StoreError:
    """What to raise where `folder` in a work area can't be written."""
    return StoreError(
        f"the folder for unfinished trainings can't be written: {getattr(error, 'strerror', None) or error}",
        where=str(folder),
        rule="the state after each epoch needs a writable folder with free space",
        fix="free space, mend the permissions, or set ROADWORK_CACHE to another folder; finished epochs are kept",
    )
