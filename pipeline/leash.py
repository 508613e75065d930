"""A stage never outlives the DVC that runs it.

A DVC that is killed leaves its stage running, and a stage that goes on alone would write under the next run's feet. The
stage therefore watches and, once DVC is gone, sends itself SIGTERM, which leaves in order. Python hears a signal
between two of its steps: in the middle of a long native call the leaving begins when that returns. A stage that hasn't
left after `GRACE_S` seconds is killed, which costs it what was unfinished and nothing else. Started by anyone else, a
stage may well outlive its parent (nohup, a closed terminal).
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress

from roadwork.progress import note

STAGE = "DVC_STAGE"
"""The environment variable that DVC sets for the command of a stage."""

GRACE_S = 120.0
_EVERY_S = 0.5


def leave_with_dvc() -> None:
    """Watch DVC from now on in a thread of its own; nothing to watch where DVC didn't start this process.

    DVC runs a command through a shell. Most shells make room for a single command, and DVC is the parent then; where
    the shell stays, it is the parent, and DVC the parent's parent.
    """
    if STAGE not in os.environ:
        return
    ancestors = _ancestors()

    def watch() -> None:
        while all(parent == _parent_of(child) for child, parent in ancestors):
            time.sleep(_EVERY_S)
        with suppress(OSError):  # the terminal may be gone as well
            note("The DVC that ran this stage is gone: stopping, finished work is kept.")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="leash").start()


def _ancestors() -> list[tuple[int, int]]:
    """Pairs of process and parent, from this process up to DVC: to the parent, and past it where that is a shell."""
    own, parent = os.getpid(), os.getppid()
    if not _is_shell(parent) or (above := _parent_of(parent)) is None:
        return [(own, parent)]
    return [(own, parent), (parent, above)]


def _parent_of(process: int) -> int | None:
    if process == os.getpid():
        return os.getppid()
    import psutil

    try:
        return psutil.Process(process).ppid()
    except psutil.Error:
        return None


def _is_shell(process: int) -> bool:
    import psutil

    try:
        return psutil.Process(process).name().endswith("sh")
    except psutil.Error:
        return False
