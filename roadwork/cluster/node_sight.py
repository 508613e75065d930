"""Whether a node sees the same folders as the machine where the run was started."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roadwork.cluster.told_error import node_name
from roadwork.errors import DataError
from roadwork.storage.place import Place, is_remote

_FIX = "a path must be one that every node sees (a shared disk, mounted alike everywhere), or a URL"


@dataclass(frozen=True)
class Sight:
    """A folder that every node has to see. Plain values: it travels to the nodes."""

    folder: str
    what: str  # for people
    parameter: str

    def check(self) -> None:
        """Raise DataError, which names this node, where the folder isn't there."""
        if not os.path.isdir(self.folder):
            raise DataError(
                f"{node_name()} doesn't see {self.what}",
                where=f"{self.folder}, of {self.parameter}",
                rule="each node reads photographs and writes finished rows itself",
                fix=_FIX,
            )


def sight_of_photographs(places: Sequence[Place]) -> tuple[Sight, ...]:
    """The folder that all those of `places` that are files have in common, where this machine sees it."""
    parents = {str(place.parent) for place in places if not is_remote(place)}
    if not parents:
        return ()
    common = os.path.commonpath(Path(parent).absolute() for parent in parents)
    return (Sight(common, "the photographs", "ingest.path"),) if os.path.isdir(common) else ()
