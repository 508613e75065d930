"""The sampling of one division: weights of the training images, what they draw, and whether that passes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from roadwork.data.clusters import fit_clusters, nearest_km
from roadwork.data.sampling import band_of, gate, measure_draws, sampling_weights
from roadwork.data.sampling_config import SamplingConfig
from roadwork.errors import DataError
from roadwork.seeding import derive


@dataclass(frozen=True)
class SamplingPlan:
    """What stage `sampling` publishes; positions are (latitude, longitude) in degrees, NaN where unknown."""

    table: pd.DataFrame
    """`image_id`, `weight`, `distance_km`, `cluster` of the training images, in manifest order."""
    metrics: dict[str, Any]
    centres_deg: NDArray[np.float64]
    """`[cluster 2]`; empty where the reference has no position and sampling is off."""
    training_deg: NDArray[np.float64]
    """`[image 2]`, the rows of `table`."""
    reference_deg: NDArray[np.float64]
    """`[image 2]`."""

    def warnings(self) -> list[str]:
        """What a person should know although the gate let it pass, one sentence each."""
        found = self.metrics
        said = []
        if 0 < found["clusters"] < found["clusters_asked"]:
            said.append(
                f"the reference has only {found['clusters']} distinct positions for sampling.clusters "
                f"{found['clusters_asked']}: {found['clusters']} clusters are used"
            )
        if found["gate"] == "warning":
            said.append(
                f"{found['weighted']['share_near']:.1%} of the weighted draws lie within {found['near_km']:g} km of a "
                f"cluster, below sampling.target_share {found['target_share']:g}"
            )
        return said


def plan_sampling(
    frame: pd.DataFrame, divided: pd.DataFrame, config: SamplingConfig, *, batch_size: int, seed: int
) -> SamplingPlan:
    """Weigh the training images of the manifest's `frame`, divided by `make_folds`, and measure what is drawn.

    The same figures for uniform sampling stand beside the weighted ones. With `config.enabled` false every weight is 1
    and nothing is gated. Raises SamplingError where the gate fails or there is no position to weight by, DataError
    where manifest and folds are not of the same images.
    """
    if frame["image_id"].tolist() != divided["image_id"].tolist():
        raise DataError(
            "manifest and folds list different images", where="data/folds.parquet", fix="run stage folds again"
        )
    position = frame[["latitude_deg", "longitude_deg"]].to_numpy(dtype=np.float64, copy=True)
    position[np.isnan(position).any(axis=1)] = np.nan
    training = (divided["split"] == "train").to_numpy()
    reference_deg = position[(divided["split"] == config.reference).to_numpy()]
    located = np.isfinite(reference_deg).all(axis=1)
    centres = np.empty((0, 2))
    if config.enabled or located.any():
        centres = fit_clusters(
            reference_deg[:, 0], reference_deg[:, 1], config.clusters, derive(seed, "sampling", "clusters")
        )

    distance, cluster = nearest_km(position[training, 0], position[training, 1], centres)
    uniform = np.ones(len(distance))
    weight = uniform
    if config.enabled:
        weight = sampling_weights(distance, config.bands_km, config.weights, config.unknown_weight)
    drawing = {"near_km": config.near_km, "draws": config.draws, "batch_size": batch_size}
    weighted_draws = measure_draws(distance, weight, **drawing, seed=derive(seed, "sampling", "weighted"))
    uniform_draws = measure_draws(distance, uniform, **drawing, seed=derive(seed, "sampling", "uniform"))
    verdict = gate(weighted_draws.share_near, config, distance, weight) if config.enabled else "off"

    metrics = {
        "enabled": config.enabled,
        "reference": config.reference,
        "transductive": config.enabled and config.reference == "test",
        "gate": verdict,
        "target_share": config.target_share,
        "min_share": config.min_share,
        **drawing,
        "weighted": weighted_draws._asdict(),
        "uniform": uniform_draws._asdict(),
        "training_images": int(training.sum()),
        "training_images_with_gps": int(np.isfinite(distance).sum()),
        "reference_images": len(reference_deg),
        "reference_images_with_gps": int(located.sum()),
        "clusters_asked": config.clusters,
        "clusters": len(centres),
        "centres_deg": centres.round(5).tolist(),
        "bands": _bands(distance, weight, config),
    }
    table = pd.DataFrame(
        {
            "image_id": frame["image_id"].to_numpy()[training],
            "weight": weight,
            "distance_km": distance,
            "cluster": pd.arrays.IntegerArray(cluster.astype(np.int16), cluster < 0),
        }
    )
    return SamplingPlan(table, metrics, centres, position[training], reference_deg)


def _bands(distance: NDArray[np.float64], weight: NDArray[np.float64], config: SamplingConfig) -> dict[str, Any]:
    """Per band, nearest first, unknown last: images, weight of one, and their share of the images and of the draws."""
    edges = [f"{edge:g}" for edge in config.bands_km]
    names = [
        f"below {edges[0]} km",
        *(f"{low} to {high} km" for low, high in pairwise(edges)),
        f"beyond {edges[-1]} km",
        "unknown",
    ]
    weights = [*config.weights, config.unknown_weight] if config.enabled else [1.0] * len(names)
    band = band_of(distance, config.bands_km) % len(names)  # -1, unknown, becomes the last
    images = np.bincount(band, minlength=len(names))
    mass = np.bincount(band, weights=weight, minlength=len(names))
    return {
        name: {
            "images": int(images[number]),
            "weight": weights[number],
            "share_of_images": float(images[number] / len(distance)),
            "share_of_draws": float(mass[number] / weight.sum()),
        }
        for number, name in enumerate(names)
    }
