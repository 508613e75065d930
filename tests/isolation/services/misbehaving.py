"""Services that do what they are asked, also what no service should."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass

import numpy as np

from roadwork.isolation.shared_buffer import SharedBuffer
from roadwork.views.decoder import CpuDecoder


class Misbehaving:
    """Answers with the request turned round, unless that is a deed."""

    def start(self):
        return self.answer

    def answer(self, request: bytes) -> bytes:
        deed, _, about = request.partition(b" ")
        if deed == b"crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif deed == b"leave":
            os._exit(int(about))
        elif deed == b"hang":
            time.sleep(float(about))
        elif deed == b"complain":
            sys.stderr.write("a library's complaint")
            sys.stderr.flush()
        elif deed == b"bug":
            raise TypeError("a bug")
        elif deed == b"pid":
            return str(os.getpid()).encode()
        elif deed == b"crash-once" and not os.path.exists(about):
            open(about, "w").close()
            os.kill(os.getpid(), signal.SIGSEGV)
        return request[::-1]


@dataclass(frozen=True)
class StartsBadly:
    """Doesn't come to its start's end."""

    crash: bool

    def start(self):
        if self.crash:
            os._exit(3)
        raise ValueError("a bug at the start")


@dataclass(frozen=True)
class Shares:
    """Fills the buffer with the number it is asked for."""

    buffer: SharedBuffer

    def start(self):
        def answer(request: bytes) -> bytes:
            self.buffer.array((5, 7))[:] = int(request)
            return b"done"

        return answer


class SpoilsSome(CpuDecoder):
    """Decodes, but for files that end in a deed."""

    def decode(self, content, *, max_pixels):
        if content.endswith(b"crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if content.endswith(b"hang"):
            while True:
                time.sleep(0.1)
        if content.endswith(b"memory"):
            np.ones(10**11, dtype=np.uint8)
        return super().decode(content, max_pixels=max_pixels)
