import numpy as np
import pytest
from geopy.distance import great_circle
from hypothesis import given
from hypothesis import strategies as st

from roadwork.data.distance import EARTH_RADIUS_KM, haversine_km, unit_sphere

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


@given(latitudes, longitudes, latitudes, longitudes)
def test_agrees_with_geopy(lat, lon, other_lat, other_lon):
    expected = great_circle((lat, lon), (other_lat, other_lon)).km
    assert haversine_km(lat, lon, other_lat, other_lon) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("start", "end", "degrees_of_arc"),
    [
        ((0, 0), (0, 180), 180),  # antipodes on the equator
        ((48.1, 11.6), (-48.1, -168.4), 180),  # antipodes
        ((90, 0), (-90, 77), 180),  # pole to pole, whatever the longitude
        ((90, 13), (90, -120), 0),  # one pole has every longitude
        ((0, 179.5), (0, -179.5), 1),  # across the date line
        ((60, 179.9999), (60, -180.0001), 0),  # one place, two notations
        ((0, 0), (0, 90), 90),
    ],
)
def test_known_arcs(start, end, degrees_of_arc):
    expected = np.radians(degrees_of_arc) * EARTH_RADIUS_KM
    assert haversine_km(*start, *end) == pytest.approx(expected, abs=1e-6)


def test_berlin_to_munich():
    assert haversine_km(52.520008, 13.404954, 48.137154, 11.576124) == pytest.approx(504.4, abs=0.5)


def test_broadcasts_and_keeps_unknown():
    distance = haversine_km([[0.0], [np.nan]], [[0.0], [0.0]], [0.0, 1.0, 2.0], 0.0)
    assert distance.shape == (2, 3)
    assert distance[0] == pytest.approx(np.radians([0, 1, 2]) * EARTH_RADIUS_KM)
    assert np.isnan(distance[1]).all()


def test_unit_sphere_axes():
    points = unit_sphere([0, 0, 90], [0, 90, 45])
    assert points == pytest.approx(np.eye(3), abs=1e-15)
