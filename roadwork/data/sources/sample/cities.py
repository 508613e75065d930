"""Where the sample was "photographed": six cities and two towns, and how much of each split lies in each."""

from __future__ import annotations

import math
from typing import NamedTuple

_RADIUS_KM = 16.0
_GOLDEN_TURN = math.pi * (3.0 - math.sqrt(5.0))
_KM_PER_DEG = 111.2


class City(NamedTuple):
    """A place with its centre, and the share of training and of reference sequences that lie around it."""

    name: str
    latitude_deg: float
    longitude_deg: float
    train_share: float
    reference_share: float


CITIES: tuple[City, ...] = (
    City("Berlin", 52.5200, 13.4050, 0.13, 0.20),
    City("Hamburg", 53.5503, 9.9932, 0.12, 0.20),
    City("Cologne", 50.9375, 6.9603, 0.12, 0.20),
    City("Munich", 48.1372, 11.5755, 0.12, 0.20),
    City("Vienna", 48.2082, 16.3738, 0.11, 0.20),
    City("Milan", 45.4642, 9.1900, 0.20, 0.00),
    City("Kassel", 51.3127, 9.4797, 0.10, 0.00),
    City("Bordeaux", 44.8378, -0.5792, 0.10, 0.00),
)


def position_in(city: City, place: int, places: int) -> tuple[float, float]:
    """Latitude and longitude of one of `places` streets, spread evenly over the city's disc of 16 km (Vogel's spiral).

    Two different streets are always hundreds of metres apart, so sequences never meet.
    """
    radius_km = _RADIUS_KM * math.sqrt((place + 0.5) / places)
    turn = place * _GOLDEN_TURN
    latitude = city.latitude_deg + radius_km * math.sin(turn) / _KM_PER_DEG
    longitude = city.longitude_deg + radius_km * math.cos(turn) / (
        _KM_PER_DEG * math.cos(math.radians(city.latitude_deg))
    )
    return latitude, longitude


def moved_m(position: tuple[float, float], ahead_m: float) -> tuple[float, float]:
    """The position `ahead_m` metres further along a street that runs north-east."""
    latitude, longitude = position
    step_deg = ahead_m / 1000.0 / _KM_PER_DEG / math.sqrt(2.0)
    return latitude + step_deg, longitude + step_deg / math.cos(math.radians(latitude))
