"""One process that answers requests over a pipe, so that what loops, crashes or fills memory ends alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Protocol

from roadwork.isolation.faults import BrokenWorkerError, CrashedError, TookTooLongError
from roadwork.isolation.leash import leave_with_parent

Answer = Callable[[bytes], bytes]

_TIME = struct.Struct("<d")
_GOOD, _BUG = b".", b"!"
_MARGIN_S = 10.0
"""The process's own alarm rings this much after its parent's patience is at its end."""


class Service(Protocol):
    """What the process does. It is pickled on the way there."""

    def start(self) -> Answer:
        """Called once, in the process: what answers its requests. Its imports and preparations belong here."""
        ...


class IsolatedProcess:
    """A process with a Service, and the pipe to it. Not for two threads at once.

    Requests and answers are bytes: whatever a damaged photograph may have made of its memory, nothing of it is executed
    here. When this process is gone, however it went, so is that one.
    """

    def __init__(self, service: Service, *, name: str) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads can hang
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, service), daemon=True, name=name)
        self._process.start()
        theirs.close()
        try:
            started = self._connection.recv_bytes()  # its start doesn't count as time of a request
        except (EOFError, OSError):
            self.kill()
            raise BrokenWorkerError(f"the process `{name}` didn't start: {self._end()}") from None
        if started[:1] == _BUG:
            self.close()
            raise BrokenWorkerError(started[1:].decode())

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._process.pid

    def ask(self, request: bytes, *, timeout_s: float) -> bytes:
        """The Service's answer.

        Raises TookTooLongError where there is none after `timeout_s`, CrashedError where the process ends; after these
        it can't be used again. BrokenWorkerError for any exception that the Service lets out.
        """
        try:
            self._connection.send_bytes(_TIME.pack(timeout_s + _MARGIN_S) + request)
            if not self._connection.poll(timeout_s):
                self.kill()
                raise TookTooLongError(f"it took longer than {timeout_s:g} s")
            answer = self._connection.recv_bytes()
        except (EOFError, OSError):
            self.kill()
            raise CrashedError(self._end()) from None
        if answer[:1] == _BUG:
            raise BrokenWorkerError(answer[1:].decode())
        return answer[1:]

    @property
    def alive(self) -> bool:
        """Whether it can be used."""
        return self._process.is_alive() and not self._connection.closed

    def kill(self) -> None:
        """End it at once; from any thread, also while another waits in `ask`."""
        self._process.kill()
        self._process.join(5)  # one that hangs in the kernel is left to it

    def close(self) -> None:
        """End it and let go of its pipe."""
        self.kill()
        self._connection.close()

    def _end(self) -> str:
        code = self._process.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _serve(connection: Connection, service: Service) -> None:
    """Answer until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the first one decides
    leave_with_parent()
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff's complaints about files whose rejects say more
    try:
        answer = service.start()
    except Exception:
        connection.send_bytes(_BUG + traceback.format_exc().encode())
        return
    connection.send_bytes(_GOOD)
    while True:
        try:
            request = connection.recv_bytes()
        except (EOFError, OSError):
            return
        # Ends what loops also where the parent was killed meanwhile and nobody else would.
        signal.setitimer(signal.ITIMER_REAL, _TIME.unpack_from(request)[0])
        try:
            told = _GOOD + answer(request[_TIME.size :])
        except Exception:
            told = _BUG + traceback.format_exc().encode(errors="replace")
        connection.send_bytes(told)
        signal.setitimer(signal.ITIMER_REAL, 0)
