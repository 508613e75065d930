"""Does the metadata give the label away? Label by null-ness and by value, and the MCC that each field alone reaches.

A field that is known almost only for roadwork makes any score "with metadata" worthless as a measure of seeing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from roadwork.data.null_tables import COLUMNS, known_counts, label_counts
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.config import BaselinesConfig
from roadwork.evaluate.convergence import convergence_noted
from roadwork.evaluate.field_alone import Fit, decided_alone, linear, trees
from roadwork.evaluate.metadata_features import metadata_features
from roadwork.evaluate.mutual_information import mutual_information_bits
from roadwork.evaluate.score import Predictions, interval_name, rounded, score_row
from roadwork.model.metadata import CATEGORIES, Metadata
from roadwork.model.metadata_config import MetadataConfig
from roadwork.seeding import derive
from roadwork.train.features import FeatureTable

FIELDS = tuple(COLUMNS)
_SPLITS = ("train", "val", "test")


def leak_audit(
    parts: Mapping[str, FeatureTable],
    metadata: MetadataConfig,
    config: BaselinesConfig,
    resampling: Resampling,
    *,
    seed: int,
) -> dict[str, Any]:
    """What each metadata field says about the label: `fields`, whether the head uses them or not, and `flagged`.

    `parts` are the labelled images by split; all of train, val and test count. By field:

    - `used`: whether it is in `metadata.fields`
    - `null`, `known`: images by label where it is null, where it is known; `values` (categories only) likewise by value
    - `mutual_information` in bits: of the label with being known (`null`), and, over the images where it is known, with
      the `value` (null for GPS and text, which have no countable values); `label_entropy` is the most there is to say
    - `alone`, `null_alone`: cross-validated MCC, its interval and `n` of the field by itself and of its being known by
      itself; the MCC is null where a class stands in fewer than two blocks
    - `flagged`, `null_flagged`: whether that MCC is at least `config.leak_mcc`

    `flagged` lists the former as `text`, the latter as `text_null`.
    """
    labels = np.concatenate([parts[split].labels.cpu().numpy() for split in _SPLITS])
    blocks = np.concatenate([parts[split].block for split in _SPLITS]).astype(np.int64)
    columns = zip(*(parts[split].metadata for split in _SPLITS), strict=True)
    facts = Metadata(*(torch.cat(column).cpu() for column in columns))
    seed = derive(seed, "leak_audit")

    def alone(features: NDArray, fit: Fit) -> dict[str, Any]:
        with convergence_noted("the leak audit"):
            decided = decided_alone(fit, features, labels, blocks, seed)
        return _mcc_row(decided, labels, blocks, resampling)

    by_presence = linear(config.regularisation[:1], seed)  # of one column every strength decides alike
    fields: dict[str, Any] = {}
    for field in FIELDS:
        known = known_rows(facts, field, metadata)
        only = metadata.model_copy(update={"fields": (field,)})
        row = {
            "used": field in metadata.fields,
            **known_counts(labels, known),
            **_values(facts, field, labels, known, metadata),
            "alone": alone(
                metadata_features(facts, only), trees(seed) if field == "gps" else linear(config.regularisation, seed)
            ),
            "null_alone": alone(known[:, None].astype(np.float64), by_presence),
        }
        row["flagged"], row["null_flagged"] = (
            row[name]["mcc"] is not None and row[name]["mcc"] >= config.leak_mcc for name in ("alone", "null_alone")
        )
        fields[field] = row
    return rounded(
        {
            "flagged": _flagged(fields),
            "leak_mcc": config.leak_mcc,
            "label_entropy": mutual_information_bits(labels, labels),
            "fields": fields,
        }
    )


def known_rows(metadata: Metadata, field: str, config: MetadataConfig) -> NDArray[np.bool_]:
    """Where `field` is known: `[image]`."""
    if field == "gps":
        return metadata.gps_present.cpu().numpy()
    if field == "text":
        return (metadata.text.cpu().numpy() != 0).any(axis=1)
    index = getattr(metadata, field).cpu().numpy()
    return (index >= 0) & (index < len(getattr(config.vocabularies, field).values))


def _values(
    metadata: Metadata, field: str, labels: NDArray[np.int64], known: NDArray[np.bool_], config: MetadataConfig
) -> dict[str, Any]:
    """`values`, for a category, and `mutual_information`."""
    of_null = mutual_information_bits(labels, known)
    if field not in CATEGORIES:
        return {"mutual_information": {"null": of_null, "value": None}}
    index = getattr(metadata, field).numpy()
    values = getattr(config.vocabularies, field).values
    return {
        "values": {value: label_counts(labels[index == place]) for place, value in enumerate(values)},
        "mutual_information": {"null": of_null, "value": mutual_information_bits(labels[known], index[known])},
    }


def _mcc_row(
    decided: NDArray[np.int64] | None, labels: NDArray[np.int64], blocks: NDArray[np.int64], resampling: Resampling
) -> dict[str, Any]:
    interval = f"mcc_{interval_name(resampling.confidence)}"
    if decided is None:
        return {"mcc": None, interval: None, "n": len(labels)}
    row = score_row(Predictions(labels, blocks, decided.astype(np.float64)), resampling)
    return {key: row[key] for key in ("mcc", interval, "n")}


def _flagged(fields: Mapping[str, Any]) -> list[str]:
    return [
        f"{field}{suffix}"
        for field, row in fields.items()
        for key, suffix in (("flagged", ""), ("null_flagged", "_null"))
        if row[key]
    ]
