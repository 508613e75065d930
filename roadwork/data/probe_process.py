"""A process that probes photographs, so that a decoder that loops or crashes ends alone."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import sys
import traceback
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from roadwork.data.probe import Probe, probe_photograph
from roadwork.data.worker_leash import leave_with_parent
from roadwork.errors import PhotographError

_PATH, _CONTENT = b"P", b"C"
# What a decoder may take beyond the file itself. JPEG 2000 takes the most: up to four channels of 32 bits, twice, and
# Pillow's copy. Far above what photographs take, far below what a header that lies makes decoders ask for.
_BYTES_PER_PIXEL = 40
_SPARE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class ProbeLimits:
    """What one photograph may cost: pixels, bytes of its file, seconds until it is decoded."""

    max_pixels: int
    max_bytes: int
    timeout_s: float


class CrashedError(Exception):
    """The process ended without an answer; the message says how."""


class BrokenWorkerError(Exception):
    """A bug in this project's own code, found in the process; the message is its traceback."""


class ProbeProcess:
    """One process and the pipe to it. Not for two threads at once.

    It answers in JSON: whatever a damaged photograph may have made of its memory, nothing of it is executed here. When
    this process is gone, however it went, so is that one.
    """

    def __init__(self, limits: ProbeLimits) -> None:
        self._limits = limits
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads can hang
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, limits), daemon=True, name="probe")
        self._process.start()
        theirs.close()
        try:
            self._connection.recv_bytes()  # its start doesn't count as time of a photograph
        except (EOFError, OSError):
            self.kill()
            raise BrokenWorkerError(f"a process that probes photographs didn't start: {self._end()}") from None

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._process.pid

    def probe(self, source: Path | bytes) -> Probe:
        """What `probe_photograph` gives for `source`.

        Raises PhotographError as that does and where it takes longer than the limit; CrashedError where the process
        ends. After these two it can't be used again.
        """
        try:
            self._connection.send_bytes(_PATH + os.fsencode(source) if isinstance(source, Path) else _CONTENT + source)
            if not self._connection.poll(self._limits.timeout_s):
                self.kill()
                raise PhotographError(
                    "the photograph takes too long",
                    rule=f"a photograph is read in ingest.timeout_s: it took longer than {self._limits.timeout_s:g} s",
                )
            answer = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            self.kill()
            raise CrashedError(self._end()) from None
        if "bug" in answer:
            raise BrokenWorkerError(answer["bug"])
        if "rule" in answer:
            raise PhotographError(answer["what"], rule=answer["rule"])
        answer["gps_deg"] = answer["gps_deg"] and tuple(answer["gps_deg"])
        return Probe(**answer)

    @property
    def alive(self) -> bool:
        """Whether it can be used."""
        return self._process.is_alive() and not self._connection.closed

    def kill(self) -> None:
        """End it at once; from any thread, also while another waits in `probe`."""
        self._process.kill()
        self._process.join(5)  # one that hangs in the kernel is left to it

    def close(self) -> None:
        """End it and let go of its pipe."""
        self.kill()
        self._connection.close()

    def _end(self) -> str:
        code = self._process.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _serve(connection: Connection, limits: ProbeLimits) -> None:
    """Answer until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the first one decides
    leave_with_parent()
    _bound_memory(limits)
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff's complaints about files whose rejects say more
    connection.send_bytes(b"ready")
    while True:
        try:
            request = connection.recv_bytes()
        except (EOFError, OSError):
            return
        # Ends a decoder that loops also where the parent was killed meanwhile and nobody else would.
        signal.alarm(int(limits.timeout_s) + 10)
        connection.send_bytes(json.dumps(_answer(request, limits)).encode())
        signal.alarm(0)


def _answer(request: bytes, limits: ProbeLimits) -> dict[str, object]:
    source = Path(os.fsdecode(request[1:])) if request[:1] == _PATH else request[1:]
    try:
        return asdict(probe_photograph(source, limits.max_pixels, max_bytes=limits.max_bytes))
    except PhotographError as error:
        return {"what": error.what, "rule": error.rule}
    except Exception:
        return {"bug": traceback.format_exc()}


def _bound_memory(limits: ProbeLimits) -> None:
    """Let allocations beyond what a photograph within the limits can need fail, where the system counts them."""
    most = _SPARE_BYTES + _BYTES_PER_PIXEL * limits.max_pixels + 4 * limits.max_bytes
    if sys.platform == "linux":
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
