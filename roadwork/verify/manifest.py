"""The manifest's own values, and the metrics that tell of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from roadwork.data.manifest import Manifest
from roadwork.data.vocabulary import CATEGORIES, VocabulariesConfig
from roadwork.verify.fault import Faults, listed

SPLITS = ("train", "val", "test", "holdout")
_FIX = "run `roadwork ingest` again"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_values(manifest: Manifest, vocabularies: VocabulariesConfig, faults: Faults, *, where: str) -> None:
    """Note each column that holds what ingest never writes."""
    frame = manifest.frame
    latitude, longitude = frame["latitude_deg"], frame["longitude_deg"]
    wrong: dict[str, tuple[Any, str]] = {
        "image_id": (~frame["image_id"].map(_is_sha256), "a sha256 in hex"),
        "path": (frame["path"].fillna("") == "", "the photograph's path"),
        "width_px": (frame["width_px"] < 1, "at least 1"),
        "height_px": (frame["height_px"] < 1, "at least 1"),
        "split": (frame["split"].notna() & ~frame["split"].isin(SPLITS), f"one of {', '.join(SPLITS)}"),
        "label": (frame["label"].notna() & ~frame["label"].isin([0, 1]), "0, 1 or null"),
        "latitude_deg": (latitude.notna() & (latitude.abs() > 90), "from -90 to 90, or null"),
        "longitude_deg": (longitude.notna() & (longitude.abs() > 180), "from -180 to 180, or null"),
    }
    for name in CATEGORIES:
        values = vocabularies.vocabularies()[name].values
        wrong[name] = (
            frame[name].notna() & ~frame[name].isin(values),
            f"null or a value of metadata.vocabularies.{name}",
        )
    for column, (bad, rule) in wrong.items():
        bad = bad.to_numpy(dtype=bool, na_value=True)
        if bad.any():
            values = frame[column].tolist()
            shown = listed([f"{values[row]!r} in row {row}" for row in np.flatnonzero(bad).tolist()])
            faults.add(f"`{column}` is {shown}", where=f"{where}: {column}", rule=rule, fix=_FIX)


def check_metrics(manifest: Manifest, metrics: Mapping[str, Any], rejects: int, faults: Faults, *, where: str) -> None:
    """Note where `metrics/ingest.json` tells of another manifest, or of other than `rejects` rejected rows."""
    told = {
        "manifest_digest": manifest.digest,
        "accepted": len(manifest),
        "rejected": rejects,
        "labels.roadwork": int((manifest.frame["label"].to_numpy(dtype=np.int64, na_value=-1) == 1).sum()),
    }
    for name, found in told.items():
        value: Any = metrics
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value != found:
            faults.add(
                f"`{name}` is {value!r}, the manifest and the rejects give {found!r}",
                where=f"{where}: {name}",
                rule="the metrics were written with the manifest",
                fix=_FIX,
            )


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None
