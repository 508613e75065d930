"""What an uninterrupted run of all stages has on disk before and after each stage: what every other run is held to."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from harness.events import Event
from harness.nursery import Nursery, Workplace
from harness.tiny import STAGES, write_project

Stage = tuple[str, ...]
_RECORD = "record.json"


@dataclass(frozen=True)
class Reference:
    """Snapshots of project and cache before each stage and after the last, made when they are first asked for.

    All processes of a test run share `folder`.
    """

    folder: Path
    nursery: Nursery

    def before(self, stage: Stage) -> Workplace:
        """As `stage` finds it."""
        return self._at(STAGES.index(stage))

    def after(self, stage: Stage) -> Workplace:
        """As `stage` leaves it."""
        return self._at(STAGES.index(stage) + 1)

    def events(self, stage: Stage) -> list[Event]:
        """What `stage` does to files when nothing disturbs it."""
        return [Event(*event) for event in self._record(stage)["events"]]

    def seconds(self, stage: Stage) -> float:
        """How long it is at it."""
        return self._record(stage)["seconds"]

    def copy(self, stage: Stage, folder: Path) -> Workplace:
        """A new workplace in `folder`, as `stage` finds it; an earlier one there is removed."""
        return _copied(self.before(stage), folder)

    def _record(self, stage: Stage) -> Any:
        return json.loads((self.after(stage).project.parent / _RECORD).read_text(encoding="utf-8"))

    def _at(self, index: int) -> Workplace:
        place = _place(self.folder / f"{index:02d}")
        if not place.project.exists():
            with FileLock(self.folder / f"{index:02d}.lock"):
                if not place.project.exists():
                    self._make(index, place.project.parent)
        return place

    def _make(self, index: int, folder: Path) -> None:
        draft = self.folder / "draft" / f"{index:02d}"
        if not index:
            shutil.rmtree(draft, ignore_errors=True)
            write_project(draft / "project")
            (draft / "cache").mkdir()
        else:
            place = _copied(self._at(index - 1), draft)
            ended = self.nursery.run(place, STAGES[index - 1])
            assert ended.code == 0, f"{' '.join(STAGES[index - 1])} ended with {ended.code}:\n{ended.output}"
            (draft / _RECORD).write_text(json.dumps({"events": ended.events, "seconds": ended.seconds}))
        draft.rename(folder)


def _place(folder: Path) -> Workplace:
    return Workplace(folder / "project", folder / "cache")


def _copied(source: Workplace, folder: Path) -> Workplace:
    shutil.rmtree(folder, ignore_errors=True)
    for old, new in ((source.project, folder / "project"), (source.cache, folder / "cache")):
        shutil.copytree(old, new)
    return _place(folder)
