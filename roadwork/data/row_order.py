"""Whether a table's rows are the images that they should be."""

from __future__ import annotations

from collections.abc import Sequence

from roadwork.errors import StoreError


def check_order(given: Sequence[str], expected: Sequence[str], *, where: str, stage: str) -> None:
    """Raise StoreError unless `given` are the images `expected`, in order; the fix is to run `stage` again."""
    pairs = enumerate(zip(given, expected, strict=False))
    row = next((row for row, (one, other) in pairs if one != other), None)
    if row is None and len(given) == len(expected):
        return
    what = (
        f"{len(given)} images, {len(expected)} are expected"
        if row is None
        else f"row {row} is image {given[row]}, expected is {expected[row]}"
    )
    raise StoreError(
        what,
        where=where,
        rule="one row for each of the manifest's images, in the manifest's order",
        fix=f"run `roadwork {stage}` again",
    )
