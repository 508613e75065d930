"""What `metrics/ingest.json` tells about a source and its manifest."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from roadwork.data.duplicates import Duplicate
from roadwork.data.gather import Gathered
from roadwork.data.manifest import Manifest
from roadwork.data.null_tables import null_tables
from roadwork.data.record import Source
from roadwork.data.row import SPLITS

NULLABLE = ("label", "latitude_deg", "longitude_deg", "weather", "daytime", "scene", "description", "group")
_SIZES_LISTED = 20


def ingest_metrics(manifest: Manifest, gathered: Gathered, source: Source, *, splits_given: int) -> dict[str, Any]:
    """Counts of rows, rejects, duplicates, splits, labels, nulls, unknown words and sizes, in a fixed order."""
    frame = manifest.frame
    labels: list[Any] = frame["label"].astype(object).where(frame["label"].notna(), None).tolist()
    labels_of: dict[str, list[Any]] = {name: [] for name in SPLITS}
    for split, label in zip(frame["split"], labels, strict=True):
        labels_of[split].append(label)
    return {
        "rows": gathered.count,
        "accepted": len(frame),
        "rejected": gathered.rejected,
        "reject_fraction": gathered.rejected / gathered.count,
        "rejects_by_rule": _counts(Counter(reject.kind for reject in gathered.rejects)),
        "duplicates": _duplicates(gathered.duplicates),
        "files_not_in_table": source.unlisted,
        "ignored_columns": list(source.ignored_columns),
        "splits_given_by_source": splits_given,
        "splits": {name: _labels(labels_of[name]) for name in SPLITS},
        "labels": _labels(labels),
        "nulls": {name: int(frame[name].isna().to_numpy().sum()) for name in NULLABLE},
        "nulls_by_label": null_tables(frame),
        "gps_from_exif": gathered.from_exif,
        "unknown_values": {name: _counts(words) for name, words in gathered.unknown.items()},
        "sizes": _sizes(frame),
        "manifest_digest": manifest.digest,
    }


def _duplicates(duplicates: list[Duplicate]) -> dict[str, int]:
    """Rows that were dropped for another with the same bytes, and how many of these pairs disagree on the label."""
    across = sum(pair.across_splits for pair in duplicates)
    return {
        "within_splits": len(duplicates) - across,
        "across_splits": across,
        "conflicting_labels": sum(pair.labels_conflict for pair in duplicates),
    }


def _labels(labels: list[int | None]) -> dict[str, int]:
    counts = Counter(labels)
    return {"images": len(labels), "roadwork": counts[1], "no_roadwork": counts[0], "unlabelled": counts[None]}


def _counts(counts: Counter[str]) -> dict[str, int]:
    """Most frequent first, then by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _sizes(frame: pd.DataFrame) -> dict[str, Any]:
    width_px, height_px = frame["width_px"].tolist(), frame["height_px"].tolist()
    names = Counter(f"{width}x{height}" for width, height in zip(width_px, height_px, strict=True))
    frequent = dict(list(_counts(names).items())[:_SIZES_LISTED])
    return {
        "distinct": len(names),
        "most_frequent": frequent,
        "min_width_px": min(width_px),
        "max_width_px": max(width_px),
        "min_height_px": min(height_px),
        "max_height_px": max(height_px),
    }
