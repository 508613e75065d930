import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwork.data.blocks import blocks
from roadwork.data.distance import EARTH_RADIUS_KM, haversine_km

METRE = float(np.degrees(1 / (1000 * EARTH_RADIUS_KM)))  # degrees of latitude


def table(latitude, longitude, group=None, source="sample"):
    frame = pd.DataFrame({"latitude_deg": latitude, "longitude_deg": longitude}, dtype="float64")
    frame["group"] = pd.array([None] * len(frame) if group is None else group, dtype="str")
    frame["source"] = source
    return frame


def brute_force(frame, radius_m):
    """Repeatedly spread the smallest number along every link of the full N x N table."""
    lat, lon = frame["latitude_deg"].to_numpy(), frame["longitude_deg"].to_numpy()
    linked = haversine_km(lat[:, None], lon[:, None], lat, lon) * 1000 <= radius_m
    group = frame["group"].to_numpy(dtype=object)
    linked |= np.array([[isinstance(a, str) and a == b for b in group] for a in group])
    np.fill_diagonal(linked, True)
    number = np.arange(len(frame))
    for _ in range(len(frame)):
        number = np.array([number[row].min() for row in linked])
    return pd.factorize(number)[0]


def test_chain_is_one_block_and_numbers_follow_first_appearance():
    latitude = np.array([500.0, 0, 90, 180, 700]) * METRE
    assert blocks(table(latitude, 0.0), 100).tolist() == [0, 1, 1, 1, 2]


@pytest.mark.parametrize(("apart_m", "together"), [(99.9, True), (100.1, False)])
@pytest.mark.parametrize("place", [(0.0, 0.0), (52.5, 13.4), (-77.0, 166.0)])
def test_radius_is_exact(apart_m, together, place):
    latitude = [place[0], place[0] + apart_m * METRE]
    assert (len(set(blocks(table(latitude, place[1]), 100))) == 1) is together


def test_date_line_and_poles():
    across = table([0.0, 0.0, 0.0], [180 - 20 * METRE, -180 + 20 * METRE, 179.0])
    assert blocks(across, 100).tolist() == [0, 0, 1]
    at_pole = table([90 - 10 * METRE] * 3, [0.0, 120.0, -120.0])
    assert blocks(at_pole, 100).tolist() == [0, 0, 0]


def test_group_joins_distant_and_unlocated_images():
    frame = table([0.0, 50.0, np.nan, 50.0], [0.0, 0.0, np.nan, 9.0], ["a", "a", "a", "b"])
    assert blocks(frame, 100).tolist() == [0, 0, 0, 1]


def test_group_and_position_chain_together():
    frame = table([0.0, 50.0, 50.0], [0.0, 0.0, 0.0], ["a", "a", None])
    assert blocks(frame, 100).tolist() == [0, 0, 0]


def test_same_group_name_of_two_sources_is_two_groups():
    frame = table([np.nan] * 3, [np.nan] * 3, ["a", "a", "a"], ["one", "two", "one"])
    assert blocks(frame, 100).tolist() == [0, 1, 0]


def test_without_position_and_group_each_image_is_its_own_block():
    frame = table([np.nan, np.nan, 0.0], [np.nan, 0.0, np.nan])
    numbers = blocks(frame, 100)
    assert numbers.tolist() == [0, 1, 2]
    assert numbers.dtype == np.int32


def test_radius_zero_joins_only_the_very_same_position():
    assert blocks(table([1.0, 1.0, 1.0 + METRE], [2.0, 2.0, 2.0]), 0).tolist() == [0, 0, 1]


def test_radius_of_half_the_earth_joins_everything():
    assert set(blocks(table([90.0, -90.0, 0.0], [0.0, 0.0, 50.0]), 3e7)) == {0}


def test_empty_table():
    assert blocks(table([], []), 100).tolist() == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([20.0, 120.0, 400.0, 900.0]))
def test_equals_brute_force(seed, spread_m):
    rng = np.random.default_rng(seed)
    latitude, longitude = (centre + rng.normal(0, spread_m * METRE, 60) for centre in (0.0, 10.0))
    latitude[rng.random(60) < 0.1] = np.nan
    group = np.where(rng.random(60) < 0.85, None, rng.choice(["a", "b", "c"], 60).astype(object))
    frame = table(latitude, longitude, group)
    assert blocks(frame, 100).tolist() == brute_force(frame, 100).tolist()


@pytest.mark.parametrize("spread_m", [0.0, 40.0])
def test_a_hundred_thousand_images_of_one_place_stay_small(spread_m):
    rng = np.random.default_rng(0)
    frame = table(*(50 + rng.uniform(-1, 1, (2, 100_000)) * spread_m * METRE))
    tracemalloc.start()
    try:
        assert set(blocks(frame, 100)) == {0}
        assert tracemalloc.get_traced_memory()[1] < 200e6  # a full pair list would have 10^10 entries
    finally:
        tracemalloc.stop()
