"""Weights that draw training images from where the reference images are."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadwork.data.sampling_config import SamplingConfig
from roadwork.errors import SamplingError


class DrawStatistics(NamedTuple):
    """What a weighting draws; a share or distance is None where no drawn image has GPS."""

    share_near: float | None
    """Share of the draws with known GPS that lie nearer than `near_km` to a centre."""
    share_near_std: float | None
    """Standard deviation of that share from batch to batch."""
    mean_distance_km: float | None
    """Mean distance to the nearest centre, over the draws with known GPS."""
    share_known: float
    """Share of the draws that have GPS."""
    effective_sample_size: float
    """Kish: (sum w)^2 / sum w^2, the number of equally weighted images that would be worth as much."""


def band_of(distance_km: ArrayLike, bands_km: ArrayLike) -> NDArray[np.int64]:
    """Band `[image]` of each distance: 0 below the first edge, `len(bands_km)` beyond the last, -1 for NaN.

    An edge belongs to the band above it, except the last: with edges 50, 200, 500 the bands are < 50, 50 to < 200,
    200 to 500, > 500.
    """
    distance, edges = np.asarray(distance_km, dtype=np.float64), np.array(bands_km, dtype=np.float64)
    edges[-1] = np.nextafter(edges[-1], np.inf)
    return np.where(np.isnan(distance), -1, np.searchsorted(edges, distance, side="right"))


def sampling_weights(
    distance_km: ArrayLike, bands_km: ArrayLike, weights: ArrayLike, unknown_weight: float
) -> NDArray[np.float64]:
    """Weight `[image]` by band of `distance_km`, `unknown_weight` where the distance is NaN."""
    by_band = np.append(np.asarray(weights, dtype=np.float64), unknown_weight)
    return by_band[band_of(distance_km, bands_km)]


def effective_sample_size(weights: ArrayLike) -> float:
    """Kish's (sum w)^2 / sum w^2 (Survey Sampling, 1965)."""
    weight = np.asarray(weights, dtype=np.float64)
    return float(weight.sum() ** 2 / (weight**2).sum())


def measure_draws(
    distance_km: ArrayLike, weights: ArrayLike, *, near_km: float, draws: int, batch_size: int, seed: int
) -> DrawStatistics:
    """Draw `draws` batches with replacement, in proportion to `weights [image]`, and measure where they lie.

    Raises SamplingError where no image has a weight above 0.
    """
    distance, weight = np.asarray(distance_km, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if not weight.sum() > 0:
        raise SamplingError(
            f"none of the {len(weight)} training images has a weight above 0",
            where="params.yaml: sampling.weights, sampling.unknown_weight",
            fix="give a band that holds training images a weight above 0",
        )
    drawn = np.random.default_rng(seed).choice(len(weight), size=(draws, batch_size), p=weight / weight.sum())
    known = np.isfinite(distance)
    near = (known & (distance < near_km))[drawn].sum(axis=1)
    located = known[drawn].sum(axis=1)
    size = effective_sample_size(weight)
    if not located.any():
        return DrawStatistics(None, None, None, 0.0, size)
    per_batch = near[located > 0] / located[located > 0]
    return DrawStatistics(
        share_near=float(near.sum() / located.sum()),
        share_near_std=float(per_batch.std()),
        mean_distance_km=float(distance[drawn[known[drawn]]].mean()),
        share_known=float(located.sum() / drawn.size),
        effective_sample_size=size,
    )


def gate(
    share_near: float | None, config: SamplingConfig, distance_km: ArrayLike, weights: ArrayLike
) -> Literal["passed", "warning"]:
    """Judge the weighted share near a centre: `passed` from `target_share`, `warning` from `min_share`.

    Raises SamplingError below that, or where no training image has GPS. The message carries the numbers and says
    which first weight would reach the target, where one can: with near weight N of a total S over images with GPS, of
    which F lies in the first band, f = 1 + (t S - N) / (F (1 - t)) times that weight gives the share t.
    """
    distance, weight = np.asarray(distance_km, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if share_near is None:
        raise SamplingError(
            f"none of the {len(distance)} training images that can be drawn has GPS, so none is near the "
            f"{config.reference} regions",
            where="params.yaml: sampling.enabled",
            fix="set sampling.enabled: false, or add GPS to the training images",
        )
    if share_near >= config.target_share:
        return "passed"
    if share_near >= config.min_share:
        return "warning"
    known = np.isfinite(distance)
    near = known & (distance < config.near_km)
    first = near & (band_of(distance, config.bands_km) == 0)
    fixes = ["add training images of the reference regions", "raise sampling.clusters"]
    if first.any() and weight[first].sum() > 0 and config.target_share < 1 and config.bands_km[0] <= config.near_km:
        missing = config.target_share * weight[known].sum() - weight[near].sum()
        factor = 1.0 + max(missing, 0.0) / (weight[first].sum() * (1.0 - config.target_share))
        enough = config.weights[0] * factor
        fixes.insert(0, f"raise the first of sampling.weights from {config.weights[0]:g} to {enough:.3g}")
    raise SamplingError(
        f"{share_near:.1%} of the weighted draws lie within {config.near_km:g} km of a {config.reference} cluster: "
        f"{near.sum()} of {known.sum()} training images with GPS do ({len(distance) - known.sum()} have none), "
        f"effective sample size {effective_sample_size(weight):.1f} of {len(weight)}",
        where="params.yaml: sampling.min_share",
        rule=f"at least {config.min_share:.0%}, better {config.target_share:.0%}",
        fix=f"{'; or '.join(fixes)}; or sampling.enabled: false for uniform sampling",
    )
