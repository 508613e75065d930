"""Does a metadata field's mere being there tell the label? Counts that need no model, so that ingest can show them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

COLUMNS = {
    "gps": "latitude_deg", "weather": "weather", "daytime": "daytime", "scene": "scene", "text": "description",
}  # fmt: skip
"""The manifest column that shows whether a field of `metadata.fields` is known."""

TELLING_MCC = 0.5
"""From this MCC of label and being known on, in either direction, a field is said to be known for one class only."""

Counts = dict[str, int]


def null_tables(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """By field of COLUMNS: `null` and `known` counts by label, and their `mcc`, from the manifest's `frame`.

    Over the labelled images of train, val and test: a holdout is scored and never looked at.
    """
    counted = (frame["label"].notna() & (frame["split"] != "holdout")).to_numpy(dtype=bool)
    labels = frame["label"].fillna(-1).to_numpy(dtype=np.int64)[counted]
    return {field: _table(labels, frame[column].notna().to_numpy()[counted]) for field, column in COLUMNS.items()}


def telling_fields(tables: dict[str, dict[str, Any]]) -> list[str]:
    """The fields of `null_tables` whose being there tells the label: the MCC is at least TELLING_MCC either way."""
    return [field for field, table in tables.items() if abs(table["mcc"]) >= TELLING_MCC]


def label_counts(labels: ArrayLike) -> Counts:
    """How many of `labels [image]` (0 or 1) are roadwork and how many none."""
    values = np.asarray(labels)
    return {"roadwork": int((values == 1).sum()), "none": int((values == 0).sum())}


def known_counts(labels: NDArray[np.int64], known: NDArray[np.bool_]) -> dict[str, Counts]:
    """`label_counts` of the images where a field is null and where it is known."""
    return {"null": label_counts(labels[~known]), "known": label_counts(labels[known])}


def _table(labels: NDArray[np.int64], known: NDArray[np.bool_]) -> dict[str, Any]:
    return {**known_counts(labels, known), "mcc": _mcc(labels, known)}


def _mcc(labels: NDArray[np.int64], known: NDArray[np.bool_]) -> float:
    """Of two binary variables the Matthews and the Pearson correlation are the same; 0 where one doesn't vary."""
    if len(np.unique(labels)) < 2 or len(np.unique(known)) < 2:
        return 0.0
    return round(float(np.corrcoef(labels, known)[0, 1]), 6)
