"""Everything of the scorecard that no head has a part in: it follows from features, manifest and folds.

The baselines' answers for test, what the metadata gives away, photographs that stand twice, and the places of test.
A change of the head or of its training leaves all of it as it is, so it is found once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from roadwork.evaluate.answers import labelled
from roadwork.evaluate.baseline_table import CITY, probability_column
from roadwork.evaluate.baselines import fit_baselines
from roadwork.evaluate.cities import find_cities
from roadwork.evaluate.config import BaselinesConfig
from roadwork.evaluate.duplicates import duplicates
from roadwork.evaluate.leak_audit import leak_audit
from roadwork.evaluate.metadata_features import metadata_features
from roadwork.model.metadata_config import MetadataConfig
from roadwork.seeding import derive
from roadwork.train.features import FeatureTable

_PIECE_IMAGES = 1024  # embeddings of so many images are looked at together: 31 MB at 12 views of 1280
_FITTED = ("train", "val", "test")


@dataclass(frozen=True)
class WithoutHead:
    """`table`: a row per labelled test image, as `baseline_table` describes it; `metrics`: all that isn't per image."""

    table: pd.DataFrame
    metrics: dict[str, Any]


def without_head(
    table: FeatureTable,
    frame: pd.DataFrame,
    exact_duplicates: Mapping[str, int],
    metadata: MetadataConfig,
    config: BaselinesConfig,
    *,
    seed: int,
) -> WithoutHead:
    """Fit the baselines and look at the data. Images without a label are left out, but for duplicates.

    `frame` is the manifest's, row by row that of `table`; `exact_duplicates` what ingest counted. Raises SplitError
    when train or val holds one class only.
    """
    resampling = config.resampling(seed)
    parts = {split: labelled(table, split) for split in _FITTED}
    results = fit_baselines(
        {
            split: np.concatenate([piece.numpy() for piece in part.embeddings.pieces(_PIECE_IMAGES)])
            for split, part in parts.items()
        },
        {split: metadata_features(part.metadata, metadata) for split, part in parts.items()},
        {split: part.labels.cpu().numpy() for split, part in parts.items()},
        config,
        seed=seed,
    )
    rows = frame.set_index("image_id").loc[parts["test"].image_ids]
    cities = find_cities(rows, config.city_clusters, derive(resampling.seed, "cities"))
    test = parts["test"]
    columns = {
        "image_id": test.image_ids,
        "label": test.labels.cpu().numpy().astype(np.int8),
        "block": test.block.astype(np.int32),
        CITY: pd.array(cities.of, dtype="str"),
        **{probability_column(name): result.probabilities for name, result in results.items()},
    }
    metrics = {
        "seed": seed,
        "confidence": config.confidence,
        "resamples": config.resamples,
        "metadata_fields": list(metadata.fields),
        "baselines": {name: {"threshold": found.threshold, "chosen": found.chosen} for name, found in results.items()},
        "cities": list(cities.names),
        "leak_audit": leak_audit(parts, metadata, config, resampling, seed=seed),
        "duplicates": duplicates(
            frame,
            table.split,
            np.concatenate([piece[:, 0].numpy() for piece in table.embeddings.pieces(_PIECE_IMAGES)]),
            cosine=config.duplicate_cosine,
            radius_m=config.duplicate_radius_m,
            exact=dict(exact_duplicates),
        ),
    }
    return WithoutHead(pd.DataFrame(columns), metrics)
