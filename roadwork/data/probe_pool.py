"""As many processes that probe photographs as there are threads that ask."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import partial
from pathlib import Path
from types import TracebackType

from roadwork.data.photograph_file import read_photograph
from roadwork.data.probe import Probe
from roadwork.data.probe_limits import ProbeLimits
from roadwork.data.probe_process import ProbeProcess
from roadwork.data.regular_file import require_regular_file
from roadwork.errors import PhotographError
from roadwork.isolation.faults import CrashedError
from roadwork.isolation.pool import IsolatedPool
from roadwork.storage.place import Place

# A table may name one photograph a million times: what was found for the last so many files is kept.
_REMEMBERED_FILES = 4096


class ProbePool:
    """Call it with a photograph, from any thread: it probes in a process of its own, of which there are at most `most`.

    Its own photograph alone is blamed for a process that hangs or crashes, and for a crash only after a second process
    crashed on it too. A photograph in an object store is read by the thread that asks: while some wait for their bytes
    others are decoded.
    """

    def __init__(self, limits: ProbeLimits, *, most: int | None = None) -> None:
        self._limits = limits
        self._pool = IsolatedPool(partial(ProbeProcess, limits), most=most)
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Probe | str] = OrderedDict()

    def __enter__(self) -> ProbePool:
        """Itself; leaving ends every process, also those that threads wait for."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()

    @property
    def processes(self) -> set[ProbeProcess]:
        """The processes that there are."""
        return self._pool.workers

    def __call__(self, source: Place | bytes, size_bytes: int | None = None) -> Probe:
        """The Probe of a photograph; PhotographError, with a rule for the rejects file, where it isn't one.

        `size_bytes` is what a listing has told of an object's size. StoreError where its store doesn't answer.
        """
        if isinstance(source, bytes):
            return self._probed(source)
        if isinstance(source, Path):
            require_regular_file(source, max_bytes=self._limits.max_bytes)  # a missing file needs no process
        with self._lock:
            known = self._found.get(str(source))
        if known is None:
            try:
                known = self._probed(self._read(source, size_bytes))
            except PhotographError as error:
                known = error.rule
            with self._lock:
                self._found[str(source)] = known
                if len(self._found) > _REMEMBERED_FILES:
                    self._found.popitem(last=False)
        if isinstance(known, str):
            raise PhotographError(f"{source.name} is no photograph", where=str(source), rule=known)
        return known

    def _read(self, source: Place, size_bytes: int | None) -> Path | bytes:
        """What a process is given: a file's path, an object's bytes."""
        if isinstance(source, Path):
            return source
        return read_photograph(source, max_bytes=self._limits.max_bytes, size_bytes=size_bytes)

    def _probed(self, source: Path | bytes) -> Probe:
        try:
            return self._pool.run(lambda process: process.probe(source))
        except CrashedError as error:
            raise PhotographError(
                "the decoder crashed", rule=f"the file must decode to its end: the decoder crashed ({error})"
            ) from None
