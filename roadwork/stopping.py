"""Leaving in order: SIGTERM and a closed terminal (SIGHUP) take the same way out as Ctrl-C, and only once.

A handler runs in the main thread, between two steps of Python: in the middle of a long native call (a forward pass, a
compilation) the signal waits until that call returns.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

GRACE_S = 10.0
AGAIN_S = 0.1
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # by name: not every system has the last


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: leaves by the same way as Ctrl-C, and whoever sets the exit code can tell them apart."""


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Within it SIGTERM and SIGHUP raise Terminated in the main thread, so that finished work is kept on the way out.

    Ctrl-C raises KeyboardInterrupt as ever. A signal that follows within `GRACE_S` seconds is taken for the same wish
    (a scheduler signals every process of a group, people press twice) and can't disturb the leaving; later it raises
    again. SIGHUP and SIGINT stay ignored where they were (nohup, `&` in a script). Within another such block, or in a
    thread that isn't the main one and so can set no handler, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread() or isinstance(_current("SIGTERM"), _WayOut):
        yield
        return
    way_out = _WayOut()
    previous = {name: _current(name) for name in _SIGNALS if hasattr(signal, name)}
    taken = [name for name, old in previous.items() if name == "SIGTERM" or old is not signal.SIG_IGN]
    hook = sys.unraisablehook

    def unraisable(caught: sys.UnraisableHookArgs) -> None:
        if isinstance(caught.exc_value, KeyboardInterrupt):
            way_out.swallowed(caught.exc_value)
        else:
            hook(caught)

    sys.unraisablehook = unraisable
    try:
        for name in taken:
            signal.signal(getattr(signal, name), way_out)
        yield
    finally:
        way_out.end()
        for name in taken:
            old = previous[name]
            signal.signal(getattr(signal, name), signal.SIG_DFL if old is None else old)
        sys.unraisablehook = hook


class _WayOut:
    """The handler: raises at the first signal, and again for one that comes much later."""

    def __init__(self) -> None:
        self._terminals = [descriptor for descriptor in (1, 2) if _is_terminal(descriptor)]
        self._left: float | None = None
        self._deaf = self._over = False

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if signum == getattr(signal, "SIGHUP", None):
            self._mute()
        now = time.monotonic()
        if self._deaf or (self._left is not None and now - self._left < GRACE_S):
            return
        self._left = now
        raise KeyboardInterrupt if signum == signal.SIGINT else Terminated

    def swallowed(self, raised: BaseException | None) -> None:
        """It was raised in a finaliser or a callback, where Python drops exceptions: the signal comes once more."""
        self._deaf, self._left = True, None  # not here: that would be dropped as well
        signum = signal.SIGTERM if isinstance(raised, Terminated) else signal.SIGINT

        def repeat() -> None:
            while self._left is None and not self._over:
                os.kill(os.getpid(), signum)
                time.sleep(AGAIN_S)

        threading.Thread(target=repeat, daemon=True).start()
        self._deaf = False

    def end(self) -> None:
        """The block is left: no signal comes any more."""
        self._over = True

    def _mute(self) -> None:
        """A terminal that is closed fails every write: what is still said on the way out goes nowhere instead."""
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for descriptor in self._terminals:
                os.dup2(nowhere, descriptor)
            os.close(nowhere)


def _current(name: str) -> Any:
    return signal.getsignal(getattr(signal, name))


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False
