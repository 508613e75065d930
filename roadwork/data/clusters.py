"""Where the reference images were taken: cluster centres on the sphere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from roadwork.data.distance import haversine_km, unit_sphere
from roadwork.errors import SamplingError

_RESTARTS: Any = 10  # Any: sklearn's signature declares `n_init` by its default, "auto"


def fit_clusters(latitude_deg: ArrayLike, longitude_deg: ArrayLike, k: int, seed: int) -> NDArray[np.float64]:
    """Centres `[cluster 2]` (latitude, longitude in degrees) of the known positions, the most populous first.

    K-means on the unit sphere, so that neither poles nor the date line distort anything; a centre is the direction of
    its members' mean. Where there are fewer than `k` distinct positions, each is a centre. Rows with NaN are left out.
    Raises SamplingError where no position is known, or where a cluster's members lie opposite each other.
    """
    points = unit_sphere(latitude_deg, longitude_deg)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise SamplingError(
            "no reference image has GPS, so there are no regions to weight by",
            where="params.yaml: sampling.reference",
            fix="set sampling.enabled: false, or choose another sampling.reference, or add GPS to the source",
        )
    distinct = len(np.unique(points, axis=0))
    # tol=0 iterates until nothing moves: sklearn's default stops at shifts of tens of kilometres on a whole Earth.
    means = KMeans(min(k, distinct), n_init=_RESTARTS, tol=0.0, random_state=seed % 2**32)
    with threadpool_limits(1):  # its threads add up in whatever order they end: other last bits in each run
        member_of = means.fit_predict(points)
    norm = np.linalg.norm(means.cluster_centers_, axis=1, keepdims=True)
    if (norm < 1e-9).any():
        raise SamplingError(
            "the reference positions of one cluster lie on opposite sides of the Earth and have no centre",
            where=f"params.yaml: sampling.clusters is {k}",
            fix="raise sampling.clusters",
        )
    x, y, z = (means.cluster_centers_ / norm).T
    centres = np.degrees(np.stack([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x)], axis=1))
    population = np.bincount(member_of, minlength=len(centres))
    return centres[np.lexsort((centres[:, 1], centres[:, 0], -population))]


def nearest_km(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, centres_deg: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Great-circle distance in km to the nearest centre `[image]`, and its number; NaN and -1 without position."""
    latitude = np.asarray(latitude_deg, dtype=np.float64)
    distance = np.full(latitude.shape, np.inf)
    cluster = np.full(latitude.shape, -1, dtype=np.int64)
    for number, (centre_latitude, centre_longitude) in enumerate(centres_deg):
        to_centre = haversine_km(latitude, longitude_deg, centre_latitude, centre_longitude)
        closer = to_centre < distance
        distance[closer], cluster[closer] = to_centre[closer], number
    return np.where(cluster < 0, np.nan, distance), cluster
