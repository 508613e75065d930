"""Great-circle distance on the sphere that geopy's `great_circle` uses."""

from __future__ import annotations

import numpy as np
from geopy.distance import EARTH_RADIUS
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_KM = float(EARTH_RADIUS)


def haversine_km(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, other_latitude_deg: ArrayLike, other_longitude_deg: ArrayLike
) -> NDArray[np.float64]:
    """Distance in km between two sets of positions that broadcast against each other; NaN where either is unknown.

    Haversine formula, R = 6371.009 km. The `arctan2` form stays real and accurate for antipodes, where rounding would
    push the argument of an arcsine above 1.
    """
    lat, lon, other_lat, other_lon = (
        np.radians(np.asarray(angle, dtype=np.float64))
        for angle in (latitude_deg, longitude_deg, other_latitude_deg, other_longitude_deg)
    )
    half_chord_squared = (
        np.sin((other_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(other_lat) * np.sin((other_lon - lon) / 2) ** 2
    )
    within = np.clip(half_chord_squared, 0.0, 1.0)
    return 2.0 * EARTH_RADIUS_KM * np.arctan2(np.sqrt(within), np.sqrt(1.0 - within))


def unit_sphere(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> NDArray[np.float64]:
    """Positions as points `[position 3]` on the unit sphere, where poles and date line are like any other place."""
    lat, lon = (np.radians(np.asarray(angle, dtype=np.float64)) for angle in (latitude_deg, longitude_deg))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
