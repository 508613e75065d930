"""As many processes that probe photographs as there are threads that ask."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from types import TracebackType

from roadwork.data.probe import Probe
from roadwork.data.probe_process import CrashedError, ProbeLimits, ProbeProcess
from roadwork.data.regular_file import require_regular_file
from roadwork.errors import PhotographError

# A table may name one photograph a million times: what was found for the last so many files is kept.
_REMEMBERED_FILES = 4096


class ProbePool:
    """Call it with a photograph, from any thread: it probes in a process of its own.

    Processes are started when they are needed and kept; one that hangs or crashes is replaced. Its own photograph
    alone is blamed, and for a crash only after a second process crashed on it too: the first may have been killed from
    outside.

    Not `concurrent.futures` or `pebble`, whose pools end when a worker is killed, and whose workers share a pipe and a
    lock that a killed one can take with it.
    """

    def __init__(self, limits: ProbeLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._idle: list[ProbeProcess] = []
        self._all: set[ProbeProcess] = set()
        self._closed = False
        self._found: OrderedDict[Path, Probe | str] = OrderedDict()

    def __enter__(self) -> ProbePool:
        """Itself; leaving ends every process, also those that threads wait for."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closed = True
            idle, busy = self._idle, self._all.difference(self._idle)
            self._idle, self._all = [], set()
        for process in busy:
            process.kill()
        for process in idle:
            process.close()

    def __call__(self, source: Path | bytes) -> Probe:
        """The Probe of a photograph; PhotographError, with a rule for the rejects file, where it isn't one."""
        if isinstance(source, bytes):
            return self._probed(source)
        require_regular_file(source, max_bytes=self._limits.max_bytes)  # a missing file needs no process
        with self._lock:
            known = self._found.get(source)
        if known is None:
            try:
                known = self._probed(source)
            except PhotographError as error:
                known = error.rule
            with self._lock:
                self._found[source] = known
                if len(self._found) > _REMEMBERED_FILES:
                    self._found.popitem(last=False)
        if isinstance(known, str):
            raise PhotographError(f"{source.name} is no photograph", where=str(source), rule=known)
        return known

    def _probed(self, source: Path | bytes) -> Probe:
        try:
            return self._once(source)
        except CrashedError:
            pass
        try:
            return self._once(source)
        except CrashedError as error:
            raise PhotographError(
                "the decoder crashed", rule=f"the file must decode to its end: the decoder crashed ({error})"
            ) from None

    def _once(self, source: Path | bytes) -> Probe:
        process = self._taken()
        try:
            return process.probe(source)
        finally:
            self._give_back(process)

    def _taken(self) -> ProbeProcess:
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.alive:
                    return process
                self._all.discard(process)
                process.close()
            if self._closed:
                raise CrashedError("the run was stopped")
        process = ProbeProcess(self._limits)
        with self._lock:
            if not self._closed:
                self._all.add(process)
                return process
        process.close()
        raise CrashedError("the run was stopped")

    def _give_back(self, process: ProbeProcess) -> None:
        with self._lock:
            if process.alive and not self._closed:
                self._idle.append(process)
                return
            self._all.discard(process)
        process.close()
