"""The committed ablation: whether it is about this run's data, and its variants beside the full head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadwork.ablation.page import HARMS, HELPS, OPEN, interval_key, sorted_rows, verdict
from roadwork.report.interval_text import above

_INSTEAD = {HELPS: "worse than the full head", OPEN: "no difference shown", HARMS: "better than the full head"}
"""What a verdict on the block means where something else stands in its place."""


@dataclass(frozen=True)
class Compared:
    """A variant minus the full head: MCC, its interval, in which share of resamples it is above 0, what that says."""

    title: str
    group: str
    mcc: float
    interval: Sequence[float] | None
    above: str
    verdict: str


def belongs(ablation: Mapping[str, Any], embed_images: Mapping[str, Any], ingest: Mapping[str, Any]) -> bool:
    """Whether `ablation` was measured on the same features of the same photographs, labels and metadata."""
    data = ablation["data"]
    return (data["fingerprint"], data["manifest_digest"]) == (embed_images["fingerprint"], ingest["manifest_digest"])


def compared(ablation: Mapping[str, Any]) -> list[Compared]:
    """Every variant with a difference, from the largest loss to the largest gain, fine-tuning last."""
    key = interval_key(ablation)
    rows = [(row["title"], row["group"], row["difference"]) for row in sorted_rows(ablation)]
    if ablation["finetuning"]:
        rows.append(("without fine-tuning (out-of-fold)", "minus", ablation["finetuning"]["difference"]))

    def of(title: str, group: str, found: Mapping[str, Any]) -> Compared:
        says = verdict(found, key)
        share = above(found["mcc"], found[key], found["mcc_probability_positive"])
        words = _INSTEAD[says] if group == "instead" else says
        return Compared(title, group, found["mcc"], found[key], share, words)

    return [of(title, group, found) for title, group, found in rows if found is not None]
