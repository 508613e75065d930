"""Views cut in processes of their own: a decoder that crashes, hangs or fills memory costs its photograph alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from roadwork.data.below import told
from roadwork.embed.photograph import Photograph
from roadwork.errors import PhotographError, StoreError
from roadwork.isolation.faults import CrashedError, TookTooLongError
from roadwork.isolation.pool import IsolatedPool
from roadwork.isolation.process import Answer, IsolatedProcess
from roadwork.isolation.shared_buffer import SharedBuffer
from roadwork.storage.patience import patience_s
from roadwork.storage.place import is_remote

if TYPE_CHECKING:
    from roadwork.views.decoder import Decoder

MakeDecoder: TypeAlias = "Callable[[], Decoder]"


class IsolatedCutter:
    """Called with a photograph, from any thread, it gives what the function of `view_cutter` gives, bit for bit.

    A photograph whose decoder ends its process (twice, in two processes) or takes longer than `timeout_s` gets a
    PhotographError that says so. What it takes to read a photograph has the same time once more, and from an object
    store as long as that is waited for. `processes` work at a time, each with one thread.

    Views come back through shared memory, sized for as many views as the first photograph has; the others have no more.
    """

    def __init__(
        self, size_px: int, decoder: Literal["cpu"] | MakeDecoder = "cpu", processes: int = 1, *, timeout_s: float
    ) -> None:
        self._size_px, self._timeout_s = size_px, timeout_s
        self._decoder: Literal["cpu"] | MakeDecoder = decoder
        self._views = 0
        self._pool = IsolatedPool(self._start, most=processes)
        self._closed = False

    def __enter__(self) -> IsolatedCutter:
        """Itself; leaving closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End its processes, also in the middle of a photograph: whoever waits for that gets CrashedError."""
        self._closed = True
        self._pool.close()

    def __call__(self, photo: Photograph) -> NDArray[np.uint8]:
        """The views, uint8 `[view size size 3]`.

        Raises PhotographError as `view_cutter`'s function does, and where the decoder crashes or takes too long;
        StoreError where the photograph lies in an object store that doesn't answer.
        """
        self._views = self._views or len(photo.boxes)
        try:
            return self._pool.run(partial(_Cutting.cut, photo=photo, timeout_s=self._timeout_s))
        except TookTooLongError:
            raise PhotographError(
                f"reading and cutting the photograph takes longer than {self._timeout_s:g} s",
                where=str(photo.path),
                rule="embed.timeout_s is the longest time that a photograph is waited for",
                fix="look whether the disk it lies on answers; else leave the photograph out",
            ) from None
        except CrashedError as error:
            if self._closed:
                raise
            raise PhotographError(
                f"the decoder crashed ({error})",
                where=str(photo.path),
                rule=f"the file must decode to its end: the decoder crashed ({error})",
                fix="leave the photograph out, or write it anew with an image editor and run `roadwork ingest` again",
            ) from None

    def _start(self) -> _Cutting:
        return _Cutting(SharedBuffer(self._views * self._size_px**2 * 3), self._size_px, self._decoder)


class _Cutting:
    """One process that cuts, and the memory it shares with this one."""

    def __init__(self, buffer: SharedBuffer, size_px: int, decoder: Literal["cpu"] | MakeDecoder) -> None:
        self._buffer, self._size_px = buffer, size_px
        self._process = IsolatedProcess(_CutService(buffer, size_px, decoder), name="cut")

    @property
    def alive(self) -> bool:
        return self._process.alive

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.close()
        self._buffer.close()

    def cut(self, photo: Photograph, timeout_s: float) -> NDArray[np.uint8]:
        shape = (len(photo.boxes), self._size_px, self._size_px, 3)
        if np.prod(shape) > self._buffer.size_bytes:
            raise ValueError(f"{len(photo.boxes)} views, more than the first photograph had")
        reading_s = timeout_s + (patience_s() if is_remote(photo.path) else 0.0)
        about = {"place": told(photo.path), "image_id": photo.image_id, "pixels": photo.pixels}
        self._ask(about | {"boxes": photo.boxes.tolist()}, photo, reading_s)
        self._ask({}, photo, timeout_s)
        return self._buffer.array(shape).copy()  # the next photograph's views come to the same place

    def _ask(self, question: dict[str, Any], photo: Photograph, timeout_s: float) -> None:
        answer = json.loads(self._process.ask(json.dumps(question).encode(), timeout_s=timeout_s))
        if answer:
            kind = PhotographError if answer["photograph"] else StoreError
            where = str(photo.path) if answer["photograph"] else answer["where"]
            raise kind(answer["what"], where=where, rule=answer["rule"], fix=answer["fix"])


@dataclass(frozen=True)
class _CutService:
    """What runs in the process. What it takes to decode is imported there alone: it is more than this process needs."""

    buffer: SharedBuffer
    size_px: int
    decoder: Literal["cpu"] | MakeDecoder

    def start(self) -> Answer:
        from roadwork.embed.cut_service import cut_answers

        return cut_answers(self.buffer, self.size_px, self.decoder)
