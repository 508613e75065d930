"""The process that reads, decodes and cuts photographs; any number of them, on the CPUs of any node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from roadwork.cluster.node_sight import Sight
from roadwork.cluster.photograph_table import photographs_in, view_table
from roadwork.embed.isolated_cutter import IsolatedCutter, MakeDecoder
from roadwork.errors import PhotographError, RoadworkError


@dataclass(frozen=True)
class CutterTask:
    """What a cutter has to know. Plain values: it travels to the nodes."""

    size_px: int
    timeout_s: float
    sights: tuple[Sight, ...]
    decoder: Literal["cpu"] | MakeDecoder = "cpu"


class Cutter:
    """Photographs in, their views out; an error takes the views' place, so it ends neither the process nor the run.

    The decoder runs in a process of its own: a photograph that crashes it costs nothing else.
    """

    def __init__(self, task: CutterTask) -> None:
        self._task = task
        self._cut: IsolatedCutter | None = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """The views of the photographs of `table`, see `view_table`; after an error of another kind no more."""
        cuts = []
        try:
            cut = self._ready()
            for photo in photographs_in(table):
                try:
                    cuts.append(cut(photo))
                except PhotographError as error:
                    cuts.append(error)
        except RoadworkError as error:
            cuts += [error] * (len(table) - len(cuts))
        return view_table(table, cuts)

    def _ready(self) -> IsolatedCutter:
        if self._cut is None:
            for sight in self._task.sights:
                sight.check()
            self._cut = IsolatedCutter(self._task.size_px, self._task.decoder, timeout_s=self._task.timeout_s)
        return self._cut
