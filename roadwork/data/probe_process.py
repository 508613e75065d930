"""A process that probes photographs, so that a decoder that loops or crashes ends alone."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from roadwork.data.probe import Probe, probe_photograph
from roadwork.data.probe_limits import ProbeLimits
from roadwork.errors import PhotographError
from roadwork.isolation.faults import TookTooLongError
from roadwork.isolation.memory import bound_memory
from roadwork.isolation.process import Answer, IsolatedProcess

_PATH, _CONTENT = b"P", b"C"


class ProbeProcess:
    """One process and the pipe to it. Not for two threads at once.

    It answers in JSON: whatever a damaged photograph may have made of its memory, nothing of it is executed here.
    """

    def __init__(self, limits: ProbeLimits) -> None:
        self._limits = limits
        self._process = IsolatedProcess(_ProbeService(limits), name="probe")

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._process.pid

    def probe(self, source: Path | bytes) -> Probe:
        """What `probe_photograph` gives for `source`.

        Raises PhotographError as that does and where it takes longer than the limit; CrashedError where the process
        ends. After these two it can't be used again.
        """
        request = _PATH + os.fsencode(source) if isinstance(source, Path) else _CONTENT + source
        try:
            answer = json.loads(self._process.ask(request, timeout_s=self._limits.timeout_s))
        except TookTooLongError as error:
            raise PhotographError(
                "the photograph takes too long", rule=f"a photograph is read in ingest.timeout_s: {error}"
            ) from None
        if "rule" in answer:
            raise PhotographError(answer["what"], rule=answer["rule"])
        answer["gps_deg"] = answer["gps_deg"] and tuple(answer["gps_deg"])
        return Probe(**answer)

    @property
    def alive(self) -> bool:
        """Whether it can be used."""
        return self._process.alive

    def kill(self) -> None:
        """End it at once; from any thread, also while another waits in `probe`."""
        self._process.kill()

    def close(self) -> None:
        """End it and let go of its pipe."""
        self._process.close()


@dataclass(frozen=True)
class _ProbeService:
    limits: ProbeLimits

    def start(self) -> Answer:
        bound_memory(pixels=self.limits.max_pixels, file_bytes=self.limits.max_bytes)
        return partial(_answer, limits=self.limits)


def _answer(request: bytes, limits: ProbeLimits) -> bytes:
    source = Path(os.fsdecode(request[1:])) if request[:1] == _PATH else request[1:]
    try:
        found: dict[str, object] = asdict(probe_photograph(source, limits.max_pixels, max_bytes=limits.max_bytes))
    except PhotographError as error:
        found = {"what": error.what, "rule": error.rule}
    return json.dumps(found).encode()
