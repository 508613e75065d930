"""Probing photographs on the nodes of a Ray cluster."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import floor
from typing import Any

from roadwork.cluster.cluster import Cluster
from roadwork.cluster.told_error import as_error, told
from roadwork.data.below import heard
from roadwork.data.below import told as texts_of
from roadwork.data.examine import ProbePhotograph
from roadwork.data.probe import Probe
from roadwork.data.probe_limits import ProbeLimits
from roadwork.data.probe_pool import ProbePool
from roadwork.embed.ray_config import RayConfig
from roadwork.errors import CapabilityError, RoadworkError
from roadwork.storage.place import Place

_IN_FLIGHT = 4
"""Photographs under way to an actor: one is decoded while others are read and sent."""
_MOST_THREADS = 1024
_MOST_LOST = 5
"""Actors that may go while they hold one photograph, and starts that may fail one after the other. A photograph that
ends its decoder ends no actor."""
_ROOM_S = 600.0
"""How long the cluster may have no room for a single actor."""


class Prober:
    """The actor: it reads photographs in threads and has them decoded in a process of its own."""

    def __init__(self, limits: ProbeLimits) -> None:
        self._pool = ProbePool(limits, most=1)

    def ready(self) -> None:
        """Answers once the actor runs."""

    def probe(self, place: list[str] | None, content: bytes | None, size_bytes: int | None) -> dict[str, Any]:
        """The Probe of the file or object at `place`, or of `content`; under `error` why there is none."""
        source = content if place is None else heard(place)
        if source is None:
            raise TypeError("a photograph has a place or a content")
        try:
            found = self._pool(source, size_bytes)
        except RoadworkError as error:
            return {"error": told(error)}
        return asdict(found)


@dataclass(frozen=True)
class RayProbing:
    """Actors on every node's CPUs, `config.decode_actors` of them. `auto`: one per CPU."""

    cluster: Cluster
    config: RayConfig
    limits: ProbeLimits

    @contextmanager
    def open(self, *, remote: bool) -> Iterator[tuple[ProbePhotograph, int]]:
        """What probes on the cluster, and how many threads may call it at a time; `remote` is all the same to it."""
        import ray

        count, cpus = self._actors()
        kind = ray.remote(Prober).options(num_cpus=cpus, max_concurrency=_IN_FLIGHT, scheduling_strategy="SPREAD")
        crew = _Crew(kind, self.limits, count)
        try:
            yield crew.probe, min(count * _IN_FLIGHT, _MOST_THREADS)
        finally:
            crew.dismiss()

    def _actors(self) -> tuple[int, float]:
        """How many, and how much of a CPU each reserves."""
        nodes = self.cluster.nodes()
        asked, share = self.config.decode_actors, self.config.decode_cpus
        cpus = 1.0 if share == "auto" else share
        room = sum(floor(node.cpus / cpus + 1e-9) for node in nodes)
        count = room if asked == "auto" else asked
        if count > room or not room:
            raise CapabilityError(
                f"{count or 1} processes that probe with {cpus:g} CPUs each, and the cluster has room for {room}",
                where="params.yaml: embed.ray.decode_actors, embed.ray.decode_cpus",
                rule="Ray waits for ever for CPUs that no node has",
                fix="set both to auto or lower, or add nodes (`ray start`)",
            )
        return count, cpus


class _Crew:
    """The actors that run. One that goes is replaced as soon as there is room, and its photographs go to others.

    Ray could restart actors and repeat their calls itself, but would keep the calls waiting for a place for that very
    actor, which may never come, while others are idle.
    """

    def __init__(self, kind: Any, limits: ProbeLimits, count: int) -> None:
        self._kind, self._limits = kind, limits
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()  # an actor as often as it can take a photograph
        self._lock = threading.Lock()
        self._actors: set[Any] = set()
        self._failed_starts = 0
        self._dismissed = False
        for _ in range(count):
            self._hire()

    def probe(self, source: Place | bytes, size_bytes: int | None = None) -> Probe:
        """The Probe of a photograph, by whichever actor is free."""
        import ray
        from ray.exceptions import RayActorError

        place, content = (None, source) if isinstance(source, bytes) else (texts_of(source), None)
        lost = 0
        while lost < _MOST_LOST:
            actor = self._taken()
            try:
                answer: dict[str, Any] = ray.get(actor.probe.remote(place, content, size_bytes))
            except RayActorError:
                lost += 1
                self._replace(actor)
                continue
            self._free.put(actor)
            if "error" in answer:
                raise as_error(answer["error"])
            answer["gps_deg"] = answer["gps_deg"] and tuple(answer["gps_deg"])
            return Probe(**answer)
        raise self._error(f"{lost} processes of the cluster have ended while they read one photograph")

    def dismiss(self) -> None:
        """End every actor, which frees the threads that wait for one."""
        import ray

        with self._lock:
            self._dismissed = True
            actors, self._actors = self._actors, set()
        for actor in actors:
            ray.kill(actor)
        self._free.put(None)

    def _taken(self) -> Any:
        while True:
            try:
                actor = self._free.get(timeout=_ROOM_S)
            except queue.Empty:
                raise self._error(f"the cluster had no room for {_ROOM_S / 60:g} minutes") from None
            with self._lock:
                if actor in self._actors:
                    return actor
                ended = self._dismissed or self._failed_starts >= _MOST_LOST
            if ended:
                self._free.put(None)  # for the next thread that waits
                raise self._error("no process of the cluster can be started, or the run was stopped")

    def _hire(self) -> None:
        actor = self._kind.remote(self._limits)
        self._actors.add(actor)
        threading.Thread(target=self._welcome, args=(actor,), name="hire", daemon=True).start()

    def _welcome(self, actor: Any) -> None:
        """Hand the actor out once it runs; one that waits for room is never waited for."""
        import ray
        from ray.exceptions import RayError

        try:
            ray.get(actor.ready.remote())
        except RayError:
            with self._lock:
                self._failed_starts += 1
            self._replace(actor)
            return
        with self._lock:
            self._failed_starts = 0
        for _ in range(_IN_FLIGHT):
            self._free.put(actor)

    def _replace(self, actor: Any) -> None:
        with self._lock:
            if actor not in self._actors:
                return
            self._actors.discard(actor)
            if self._failed_starts < _MOST_LOST:
                self._hire()
            else:
                self._free.put(None)

    def _error(self, what: str) -> CapabilityError:
        return CapabilityError(
            what,
            where="params.yaml: ingest.engine",
            rule="what a process or node had under way when it went is given to another",
            fix="look whether the cluster's nodes live and have enough memory, or set ingest.engine to local",
        )
