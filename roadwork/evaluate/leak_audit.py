"""Does the metadata give the label away? Label by null-ness and by value, and the MCC that each field alone reaches.

A field that is known almost only for roadwork makes any score "with metadata" worthless as a measure of seeing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadwork.evaluate.baselines import fit_probe_baseline
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.metadata_features import metadata_features
from roadwork.evaluate.score import Predictions, interval_name, score_row
from roadwork.model.metadata import CATEGORIES, Metadata, MetadataConfig
from roadwork.train.features import FeatureTable

FIELDS = ("gps", *CATEGORIES, "text")

Counts = dict[str, int]


def leak_audit(
    parts: Mapping[str, FeatureTable], metadata: MetadataConfig, config: EvaluateConfig, resampling: Resampling
) -> dict[str, Any]:
    """By field, whether the head uses it or not: `null` and `known` counts by label, `values` likewise, and `alone`.

    Counts are over the labelled images of train, val and test. `alone` is the score on test of a logistic regression on
    this one field (`mcc`, its interval, `n`), fitted on train and tuned on val.
    """
    splits = ("train", "val", "test")
    labels = {split: parts[split].labels.cpu().numpy() for split in splits}
    every = np.concatenate([labels[split] for split in splits])
    test = parts["test"]
    audit = {}
    for field in FIELDS:
        known = np.concatenate([known_rows(parts[split].metadata, field, metadata) for split in splits])
        audit[field] = {"null": _counts(every[~known]), "known": _counts(every[known])}
        if field in CATEGORIES:
            index = np.concatenate([getattr(parts[split].metadata, field).cpu().numpy() for split in splits])
            values = getattr(metadata.vocabularies, field).values
            audit[field]["values"] = {value: _counts(every[index == place]) for place, value in enumerate(values)}
        only = metadata.model_copy(update={"fields": (field,)})
        features = {split: metadata_features(parts[split].metadata, only) for split in splits}
        result = fit_probe_baseline(features, labels, config)
        predictions = Predictions(labels["test"], test.block.astype(np.int64), result.probabilities)
        row = score_row(predictions, resampling)
        audit[field]["alone"] = {key: row[key] for key in ("mcc", f"mcc_{interval_name(config.confidence)}", "n")}
    return audit


def known_rows(metadata: Metadata, field: str, config: MetadataConfig) -> NDArray[np.bool_]:
    """Where `field` is known: `[image]`."""
    if field == "gps":
        return metadata.gps_present.cpu().numpy()
    if field == "text":
        return (metadata.text.cpu().numpy() != 0).any(axis=1)
    index = getattr(metadata, field).cpu().numpy()
    return (index >= 0) & (index < len(getattr(config.vocabularies, field).values))


def _counts(labels: NDArray[np.int64]) -> Counts:
    return {"roadwork": int((labels == 1).sum()), "none": int((labels == 0).sum())}
