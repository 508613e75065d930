"""What a reader must know before the first number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Leak:
    """A metadata field that tells the label alone: `by` its value or by being there; `score` has mcc and interval."""

    field: str
    by: str
    score: Mapping[str, Any]
    used: bool


@dataclass(frozen=True)
class Banners:
    """What holds of the run.

    `leaks`: the flagged fields; `kept_fields`: the head's without them. `copies`: rows that the source gives to two
    splits with the same bytes, `conflicts`: those among all copies whose labels contradict each other; `near_copies`:
    pairs that look alike, across splits.
    """

    leaks: Sequence[Leak]
    kept_fields: Sequence[str]
    copies: int
    conflicts: int
    near_copies: int
    untrained: bool
    transductive: bool


def banners_of(card: Mapping[str, Any], sections: Mapping[str, Any]) -> Banners:
    """What the scorecard and the parameters by section give reason to warn of."""
    leaks = [
        Leak(field, by, found[score], found["used"])
        for field, found in card["leak_audit"]["fields"].items()
        for by, flag, score in (("value", "flagged", "alone"), ("being known", "null_flagged", "null_alone"))
        if found[flag]
    ]
    leaking = {leak.field for leak in leaks}
    return Banners(
        leaks=leaks,
        kept_fields=[field for field in sections["metadata"]["fields"] if field not in leaking],
        copies=card["duplicates"]["exact"]["across_splits"],
        conflicts=card["duplicates"]["exact"]["conflicting_labels"],
        near_copies=card["duplicates"]["near"]["across_splits"],
        untrained=sections["backbone"]["weights"] == "random",
        transductive=sections["sampling"]["enabled"] and sections["sampling"]["reference"] == "test",
    )
