"""Who is working on which rows of an embedding cache in an object store: two objects for each process.

    <root>/embeddings/<fingerprint key>/claims/<process>-<random>.ids    one image id a line
    <root>/embeddings/<fingerprint key>/claims/<process>-<random>.beat   who it is; written anew every ten seconds

There are no locks in object stores. A claim stands for as long as it is renewed, by the store's own clock, and falls at
once where its process belonged to this machine and is gone. Every process writes its claim before it reads those of
others, so of two that claim the same image at the same time at least one sees it (Lamport, "A new solution of
Dijkstra's concurrent programming problem", 1974); and where both compute it, both write the same row.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil

from roadwork.embed.claims import FOLDER, Claim, Claimed
from roadwork.errors import StoreError
from roadwork.storage.objects import Entry, delete_object, listed, read_object, write_object

if TYPE_CHECKING:
    from upath import UPath

RENEWED_S = 10.0
FALLS_AFTER_S = 90.0
_FAREWELL_S = 5.0  # how long a process that ends waits for a store that refuses
_IDS, _BEAT = ".ids", ".beat"


class RemoteClaim(Claim):
    """Two objects, and a thread that renews one of them."""

    def __init__(self, folder: UPath) -> None:
        self._claims = folder / FOLDER
        self.name = f"{os.getpid()}-{uuid4().hex[:8]}"
        self._held: frozenset[str] | None = None
        self._known: dict[str, tuple[str, frozenset[str]]] = {}  # of others: the version of their ids, and these
        self._progress = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, image_ids: Iterable[str]) -> None:
        """Write both objects."""
        held = frozenset(image_ids)
        if held != self._held:
            write_object(self._claims / f"{self.name}{_IDS}", "".join(f"{each}\n" for each in sorted(held)).encode())
            self._held = held
        if self._thread is None:
            self._renew()
            self._thread = threading.Thread(target=self._keep_renewing, name="claim", daemon=True)
            self._thread.start()

    def contested(self) -> set[str]:
        """Images that a claim of a lesser name holds too."""
        held = self._held or frozenset()
        return {each for other in self.others() if other.name < self.name for each in other.image_ids & held}

    def others(self) -> list[Claimed]:
        """Read what changed of the others' claims."""
        entries = {entry.name: entry for entry in listed(self._claims)}
        beats = [entry for name, entry in entries.items() if name.endswith(_BEAT)]
        now = self._now(beats)
        claims = [
            self._claimed(beat.name.removesuffix(_BEAT), beat, entries, now)
            for beat in beats
            if beat.name != f"{self.name}{_BEAT}"
        ]
        return [claim for claim in claims if claim is not None]

    def beat(self) -> None:
        """Count; the thread tells of it."""
        self._progress += 1

    def release(self) -> None:
        """Delete both objects."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(RENEWED_S)
            self._thread = None
        if self._held is not None:
            with suppress(StoreError, OSError):  # where the store is gone the claim falls by itself
                self._remove(self.name, limit_s=_FAREWELL_S)
            self._held = None

    def _keep_renewing(self) -> None:
        while not self._ended.wait(RENEWED_S):
            with suppress(StoreError, OSError):  # whoever writes rows tells of it
                self._renew()

    def _renew(self) -> None:
        told = {**_process(), "progress": self._progress, "moment": time.time()}
        write_object(self._claims / f"{self.name}{_BEAT}", json.dumps(told).encode())

    def _now(self, beats: list[Entry]) -> datetime | None:
        """The store's time, as its newest entry tells it: a new one where this process has none."""
        if self._held is None:
            clock = self._claims / f"{self.name}.clock"
            write_object(clock, b"")
            beats = [*beats, *(entry for entry in listed(self._claims) if entry.name == clock.name)]
            delete_object(clock)
        return max((beat.modified for beat in beats if beat.modified is not None), default=None)

    def _claimed(self, name: str, beat: Entry, entries: dict[str, Entry], now: datetime | None) -> Claimed | None:
        try:
            told = json.loads(read_object(self._claims / beat.name))
            fallen = now is not None and beat.modified is not None and _age(now, beat.modified) > FALLS_AFTER_S
            if fallen or _is_dead(told):
                self._remove(name)
                return None
            ids = entries.get(f"{name}{_IDS}")
            if ids is not None and self._known.get(name, ("", frozenset()))[0] != ids.version:
                content = read_object(self._claims / ids.name).decode()
                self._known[name] = ids.version, frozenset(content.splitlines())
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # released since the listing, or no claim
            return None
        held = self._known.get(name, ("", frozenset[str]()))[1] if ids is not None else frozenset[str]()
        return Claimed(name, f"process {told['pid']} on {told['host']}", held, int(told["progress"]))

    def _remove(self, name: str, *, limit_s: float | None = None) -> None:
        for ending in (_IDS, _BEAT):
            delete_object(self._claims / f"{name}{ending}", limit_s=limit_s)


def _age(now: datetime, modified: datetime) -> float:
    return (now - modified) / timedelta(seconds=1)


def _process() -> dict[str, Any]:
    """This process, as others on this machine can recognise it."""
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "namespace": _namespace(),
        "started": psutil.Process().create_time(),
    }


def _namespace() -> int:
    """What tells apart containers of one machine, whose processes have numbers of their own."""
    with suppress(OSError):
        return os.stat("/proc/self/ns/pid").st_ino
    return 0


def _is_dead(told: dict[str, Any]) -> bool:
    """Whether the process was one of this machine's and is gone."""
    if (told["host"], told["namespace"]) != (socket.gethostname(), _namespace()):
        return False
    try:
        return abs(psutil.Process(int(told["pid"])).create_time() - float(told["started"])) > 1
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
