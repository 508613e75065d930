"""The photographs that are still to embed, shared out among the processes that embed under one fingerprint."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Set
from types import TracebackType
from typing import Self

from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.photograph import Photograph
from roadwork.errors import PhotographError
from roadwork.progress import Advance, note
from roadwork.storage.place import is_remote

_POLL_S = {False: 0.5, True: 5.0}
"""How often a waiting process looks at a folder, and at an object store, where a look is many requests."""
_NOTED = 8


class Worklist:
    """What this process has to do of `photographs`: what is neither in the cache nor another living process's work.

    Iterating gives photographs and claims them, `piece` at a time, when they are asked for: the cache's lock is held
    for that moment only, and whoever prepares photographs ahead of the model never runs dry between pieces. What other
    processes have claimed is passed over; `wait` then waits until it's in the cache, or free because its process died.
    A process that waits claims nothing, so no two can wait for each other.

    A process that lives but finishes nothing for `patience_s` (suspended with Ctrl-Z, say) is no longer waited for: its
    photographs are embedded here too, which costs time and changes nothing.
    """

    def __init__(
        self, photographs: Sequence[Photograph], cache: EmbeddingCache, *, piece: int, patience_s: float
    ) -> None:
        self.photographs = {photo.image_id: photo for photo in photographs}
        self.computed: set[str] = set()  # image ids whose rows this process has added to the cache
        self.failures: dict[str, PhotographError] = {}
        self._cache, self._piece, self._patience_s = cache, piece, patience_s
        self._queue: deque[str] = deque()
        self._elsewhere: list[str] = []  # claimed by others when they were looked at
        self._mine: dict[str, None] = {}  # claimed by this process and not finished
        self._lost: set[str] = set()
        self._claim = cache.claim()
        self._beats: dict[str, tuple[int, float]] = {}  # of other claims: the last beat, and when it was new
        self._advance: Advance = _uncounted

    def __enter__(self) -> Self:
        with self._cache.locked():
            self._taken()  # what killed runs left goes, also where nothing is missing
            self._claim.hold(())  # from now on `cache clear` leaves the fingerprint alone
            self._claim.others()  # removes those that killed processes left
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._claim.release()

    def look_up(self) -> int:
        """Find out what the cache lacks; how many photographs that are, without those that failed before."""
        found = self._cache.lookup(list(self.photographs))
        self._queue = deque(name for name in self.photographs if name not in found and name not in self.failures)
        self._elsewhere, self._mine = [], {}
        return len(self._queue)

    def count_with(self, advance: Advance) -> None:
        """Tell `advance` of every photograph that is done with, here or by another process."""
        self._advance = advance

    def __iter__(self) -> Iterator[Photograph]:
        """Photographs to embed, until nothing is left but what others have claimed."""
        while self._queue:
            for image_id in self._take():
                yield self.photographs[image_id]

    def beat(self) -> None:
        """This process has embedded something: others may go on waiting for it."""
        self._claim.beat()

    def add(self, image_ids: Iterable[str]) -> None:
        """These rows are in the cache now."""
        added = list(image_ids)
        for image_id in added:
            self._mine.pop(image_id, None)
        self.computed.update(added)
        self._advance(len(added))  # at once: else the first of a block would look as if it alone had taken that long

    def fail(self, photo: Photograph, error: PhotographError) -> None:
        """This photograph can't be embedded; the others go on."""
        self.failures[photo.image_id] = error
        self._mine.pop(photo.image_id, None)
        self._advance()
        if len(self.failures) <= _NOTED:
            note(f"WARNING: {error.where}: {error.what}. The other photographs go on.")

    def lost_before(self, image_ids: Set[str]) -> bool:
        """Note that these rows have vanished from the cache; whether one of them has done so before."""
        again = not self._lost.isdisjoint(image_ids)
        self._lost |= image_ids
        return again

    def wait(self) -> bool:
        """Wait for the rows that other processes are computing; whether something is left for this one to do."""
        told: set[str] = set()
        while True:
            with self._cache.locked():
                self._cache.index.refresh()
                self._mine = {}
                self._claim.hold(())
                taken = self._taken()
                left = [image_id for image_id in self._elsewhere if not self._cache.index.holds(image_id)]
            self._advance(len(self._elsewhere) - len(left))
            self._elsewhere = [image_id for image_id in left if image_id in taken]
            self._queue.extend(image_id for image_id in left if image_id not in taken)
            if self._queue or not left:
                return bool(self._queue)
            if owners := {taken[image_id] for image_id in left} - told:
                told |= owners
                note(f"{len(left)} images are left to {', '.join(sorted(owners))}: waiting for their rows")
            time.sleep(_POLL_S[is_remote(self._cache.folder)])

    def _take(self) -> list[str]:
        with self._cache.locked():
            self._cache.index.refresh()
            taken = self._taken()
            piece: list[str] = []
            while self._queue and len(piece) < self._piece:
                image_id = self._queue.popleft()
                if self._cache.index.holds(image_id):
                    self._advance()
                elif image_id in taken:
                    self._elsewhere.append(image_id)
                else:
                    piece.append(image_id)
            self._mine.update(dict.fromkeys(piece))
            self._claim.hold(self._mine)
            return self._uncontested(piece) if piece else piece

    def _uncontested(self, piece: list[str]) -> list[str]:
        """What of `piece` stays with this process."""
        if contested := self._claim.contested():
            for image_id in contested:
                self._mine.pop(image_id, None)
            self._claim.hold(self._mine)
            self._elsewhere += [image_id for image_id in piece if image_id in contested]
        return [image_id for image_id in piece if image_id not in contested]

    def _taken(self) -> dict[str, str]:
        """Image ids that other processes are working on, with the process's name."""
        now = time.monotonic()
        claims = self._claim.others()
        before, self._beats = self._beats, {}
        for claim in claims:
            beat, since = before.get(claim.name, (claim.beat, now))
            self._beats[claim.name] = (claim.beat, since if beat == claim.beat else now)
        alert = [claim for claim in claims if now - self._beats[claim.name][1] <= self._patience_s]
        return {image_id: claim.owner for claim in alert for image_id in claim.image_ids}


def _uncounted(items: int = 1) -> None:
    return
