"""What a reader of the scores must know first, in plain sentences: fields that leak, photographs that stand twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def leak_warnings(audit: Mapping[str, Any]) -> list[str]:
    """One sentence per flagged field of a `leak_audit`: what it gives away, and what to do about it."""
    return [
        f"{_what(field, row)} {_what_to_do(field, row['used'])}"
        for field, row in audit["fields"].items()
        if row["flagged"] or row["null_flagged"]
    ]


def duplicate_warnings(found: Mapping[str, Any]) -> list[str]:
    """Sentences about `duplicates` that stand in different splits; none where there are none."""
    warnings = []
    near, exact = found["near"], found["exact"]
    if near["across_splits"]:
        counts = ", ".join(f"{count} of {split}" for split, count in near["images"].items() if count)
        warnings.append(
            f"Near-duplicates across splits: {near['across_splits']} pairs, cosine {found['cosine']:g} or more (images "
            f"with one: {counts}). Look at duplicates.near.examples in metrics/evaluate.json, and keep "
            "photographs of one drive or place in one split."
        )
    if exact.get("conflicting_labels"):
        warnings.append(
            f"The same photograph stands {exact['conflicting_labels']} times with two labels; data/rejects.csv names "
            "the rows. One of the labels is wrong."
        )
    return warnings


def _what(field: str, row: Mapping[str, Any]) -> str:
    alone, null = _mcc(row["alone"]), _mcc(row["null_alone"])
    if row["flagged"] and row["null_flagged"]:
        return (
            f"`{field}` tells the label without a look at the photograph: MCC {alone}, and {null} by its mere presence."
        )
    if row["flagged"]:
        return f"`{field}` tells the label without a look at the photograph: MCC {alone}."
    return f"The mere presence of `{field}` tells the label: MCC {null}."


def _what_to_do(field: str, used: bool) -> str:
    table = f"the table is leak_audit.fields.{field} in metrics/evaluate.json"
    if not used:
        return f"The head doesn't use it (`metadata.fields`); {table}."
    return (
        "Take it out of `metadata.fields` and train again: no score with metadata measures seeing, and the head, image "
        f"only too, has learned to lean on it; {table}."
    )


def _mcc(row: Mapping[str, Any]) -> str:
    """`0.97 [0.95, 0.99]`, the interval only where there is one."""
    interval = next(value for key, value in row.items() if key.startswith("mcc_ci"))
    return f"{row['mcc']:.2f}" + (f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "")
