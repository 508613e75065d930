"""What must hold after any fault: the same command finishes, and nothing shows that there was one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from harness.events import Event
from harness.nursery import Ended, Nursery, Workplace
from harness.reference import Reference, Stage
from harness.trees import cache_differences, cached_rows, differences, finished_epochs, temporaries, waiting_folds


@dataclass(frozen=True)
class Progress:
    """The work that a stage which didn't finish has behind it."""

    rows: int  # distinct, in finished cache blocks
    epochs: int  # in the state of an unfinished training
    published: bool  # whether every output is there and whole

    @classmethod
    def of(cls, place: Workplace, stage: Stage, reference: Reference) -> Progress:
        """As it is on disk now."""
        same = not differences(place.project, reference.after(stage).project)
        return cls(len(cached_rows(place.cache)), finished_epochs(place.cache), same)


def assert_recovers(place: Workplace, stage: Stage, reference: Reference, nursery: Nursery, told: str) -> None:
    """Run `stage` again, to its end: bytes, listings and the work that was done are as they must be."""
    before = Progress.of(place, stage, reference)
    again = nursery.run(place, stage)
    assert again.code == 0, f"{told}: the next run ended with {again.code}:\n{again.output}"
    assert_finished(place, stage, reference, told)
    assert_nothing_redone(place, stage, reference, before, again, told)


def assert_finished(place: Workplace, stage: Stage, reference: Reference, told: str) -> None:
    """Project and cache are as an uninterrupted run leaves them, without a file more or less."""
    expected = reference.after(stage)
    wrong = differences(place.project, expected.project) + cache_differences(place.cache, expected.cache)
    assert not wrong, f"{told}: {wrong}"
    waiting = waiting_folds(expected.cache)
    left = [name for name in temporaries(place) if not any(digest in name for digest in waiting)]
    assert not left, f"{told}: {left}"


def assert_nothing_redone(
    place: Workplace, stage: Stage, reference: Reference, before: Progress, again: Ended, told: str
) -> None:
    """Rows that were cached weren't computed, epochs that were finished weren't trained."""
    if stage[0] == "embed_images":
        metrics = json.loads((place.project / "metrics" / "embed_images.json").read_text(encoding="utf-8"))
        assert metrics["computed"] == metrics["rows"] - before.rows, f"{told}: {before}, {metrics}"
    if stage[0] in ("pretrain", "finetune") and not before.published:
        trained, needed = epochs_trained(again.events), epochs_trained(reference.events(stage))
        assert trained == needed - before.epochs, f"{told}: {before}, {trained} of {needed} epochs were trained"


def epochs_trained(events: list[Event]) -> int:
    """How many epochs a run finished: each one's state is published once."""
    return sum(event.operation == "rename" and Path(event.target).name.startswith("epochs_") for event in events)
