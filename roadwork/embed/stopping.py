"""Leaving in order: SIGTERM, and the death of the DVC that runs this stage, take the same way out as Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from roadwork.progress import note


class Terminated(KeyboardInterrupt):
    """SIGTERM: leaves by the same way as Ctrl-C, and whoever sets the exit code can tell them apart."""


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Within it SIGTERM raises Terminated in the main thread, so that finished work is kept on the way out.

    In any other thread it does nothing: only the main one can set a handler.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise Terminated

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if previous is None else previous)


def stop_if_orphaned(parent_pid: int) -> None:
    """Raise KeyboardInterrupt when DVC started this process and `parent_pid`, noted at the start, has left it.

    A DVC that is killed leaves its stage running, and a stage that goes on alone would write under the next run's feet.
    Started by anyone else, a process may well outlive its parent (nohup, a closed terminal).
    """
    if "DVC_STAGE" in os.environ and os.getppid() != parent_pid:
        note("The DVC that ran this stage is gone: stopping, with the finished rows kept.")
        raise KeyboardInterrupt
