"""Where the distance of the out-of-fold score to the headline comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from roadwork.report.interval_text import equal


class Distance(NamedTuple):
    """Out-of-fold MCC minus the headline's: `total` is the part of `finetuning` plus that of the `threshold`.

    The pretrained head on the same photographs, with thresholds chosen on the other test folds, stands between the
    two. `unchanged`: fine-tuning moved the MCC in no resample.
    """

    total: float
    finetuning: float
    threshold: float
    unchanged: bool


def distance(card: Mapping[str, Any], suffix: str) -> Distance:
    """The distance as the scorecard tells it; `suffix` is that of an interval's key."""
    headline, between, adapted = (
        row["mcc"] for row in (card["test"]["image_only"], card["oof_unadapted"], card["oof"])
    )
    changed = card["oof"]["difference"]
    return Distance(
        adapted - headline, adapted - between, between - headline, equal(changed["mcc"], changed[f"mcc_{suffix}"])
    )
