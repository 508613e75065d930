import numpy as np
import pytest

from roadwork.data.clusters import fit_clusters, nearest_km
from roadwork.data.distance import haversine_km, unit_sphere
from roadwork.errors import SamplingError

CITIES = np.array([[52.52, 13.40], [48.14, 11.58], [-33.87, 151.21]])


def around(cities, images, seed=0, spread_deg=0.05):
    rng = np.random.default_rng(seed)
    return np.concatenate([city + rng.normal(0, spread_deg, (images - 10 * n, 2)) for n, city in enumerate(cities)]).T


def test_finds_the_cities_the_most_populous_first():
    centres = fit_clusters(*around(CITIES, 60), 3, seed=1)
    assert centres == pytest.approx(CITIES, abs=0.05)


def test_centre_of_a_cluster_across_the_date_line_lies_on_it():
    centres = fit_clusters([10.0, 10.0], [179.0, -179.0], 1, seed=0)
    assert abs(centres[0, 1]) == pytest.approx(180)
    assert centres[0, 0] == pytest.approx(10, abs=0.01)


def test_centre_of_a_ring_around_the_pole_is_the_pole():
    centres = fit_clusters([89.0] * 4, [0.0, 90.0, 180.0, -90.0], 1, seed=0)
    assert centres[0, 0] == pytest.approx(90)


def test_converges_fully_although_the_positions_span_the_earth():
    """sklearn's default tolerance would stop while centres still move by kilometres."""
    rng = np.random.default_rng(0)
    region = np.array([50.0, 10.0]) + rng.uniform(-1, 1, (2000, 2))
    antipodes = np.array([-50.0, -170.0]) + rng.uniform(-1, 1, (2000, 2))
    latitude, longitude = np.concatenate([region, antipodes]).T
    centres = fit_clusters(latitude, longitude, 8, seed=0)
    _, cluster = nearest_km(latitude, longitude, centres)
    for number, centre in enumerate(centres):
        mean = unit_sphere(latitude, longitude)[cluster == number].mean(axis=0)
        assert np.cross(mean / np.linalg.norm(mean), unit_sphere(*centre)) == pytest.approx(np.zeros(3), abs=1e-9)


def test_no_more_clusters_than_distinct_positions_and_unknown_ones_left_out():
    centres = fit_clusters([1.0, 1.0, 5.0, np.nan], [2.0, 2.0, 6.0, np.nan], 5, seed=0)
    assert centres == pytest.approx(np.array([[1.0, 2.0], [5.0, 6.0]]))


def test_same_seed_same_centres():
    positions = np.random.default_rng(0).uniform(-60, 60, (2, 300))
    assert fit_clusters(*positions, 5, seed=2**62).tolist() == fit_clusters(*positions, 5, seed=2**62).tolist()


def test_no_position_says_how_to_do_without():
    with pytest.raises(SamplingError, match=r"set sampling\.enabled: false"):
        fit_clusters([np.nan], [np.nan], 5, seed=0)


def test_opposite_positions_have_no_centre():
    with pytest.raises(SamplingError, match=r"raise sampling\.clusters"):
        fit_clusters([0.0, 0.0], [0.0, 180.0], 1, seed=0)


def test_nearest_centre_by_hand():
    distance, cluster = nearest_km([52.52, 50.0, np.nan, -30.0], [13.40, 11.0, 3.0, 150.0], CITIES)
    assert cluster.tolist() == [0, 1, -1, 2]
    assert distance[0] == 0
    assert distance[1] == pytest.approx(haversine_km(50.0, 11.0, *CITIES[1]))
    assert np.isnan(distance[2])


def test_without_centres_every_distance_is_unknown():
    distance, cluster = nearest_km([1.0], [2.0], np.empty((0, 2)))
    assert np.isnan(distance).all()
    assert cluster.tolist() == [-1]
