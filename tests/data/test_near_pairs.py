from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwork.data.distance import haversine_km
from roadwork.data.near_pairs import group_numbers, near_pairs


def frame(positions, groups=None, sources="s"):
    latitude, longitude = np.array(positions, dtype=np.float64).reshape(-1, 2).T
    groups = [None] * len(latitude) if groups is None else groups
    return pd.DataFrame(
        {
            "latitude_deg": latitude,
            "longitude_deg": longitude,
            "group": pd.array(groups, dtype="str"),
            "source": sources,
        }
    )


def listed(images, radius_m, tile=1024):
    pairs = []
    for part in near_pairs(images, radius_m, tile=tile):
        assert part.near.shape == (len(part.rows), len(part.columns))
        assert max(part.near.shape) <= tile
        row, column = np.nonzero(part.near)
        pairs += [
            tuple(sorted(pair)) for pair in zip(part.rows[row].tolist(), part.columns[column].tolist(), strict=True)
        ]
    assert len(pairs) == len(set(pairs)), "a pair stands once"
    return sorted(pairs)


def by_hand(images, radius_m):
    group, latitude, longitude = group_numbers(images), images["latitude_deg"], images["longitude_deg"]
    return [
        (one, other)
        for one, other in combinations(range(len(images)), 2)
        if group[one] == group[other] >= 0
        or haversine_km(latitude[one], longitude[one], latitude[other], longitude[other]) * 1000 <= radius_m
    ]


def test_places_within_the_radius_and_groups_of_a_source():
    north_m = 1 / 111_195  # degrees of latitude in a metre
    images = frame(
        [(47, 8), (47 + 60 * north_m, 8), (47 + 150 * north_m, 8), (10, 10), (None, None), (None, None), (None, None)],
        ["a", None, None, "a", "b", "b", "b"],
        ["s"] * 6 + ["other"],
    )
    assert listed(images, 100) == [(0, 1), (0, 3), (1, 2), (4, 5)]


def test_the_date_line_and_the_poles_are_like_any_place():
    assert listed(frame([(0, 180), (0, -180), (0, 179.9999)]), 100) == [(0, 1), (0, 2), (1, 2)]
    assert listed(frame([(90, 0), (90, 120), (89.9999, -60)]), 100) == [(0, 1), (0, 2), (1, 2)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.sampled_from([None, "a", "b"])), max_size=30),
    st.sampled_from([3.0, 11.0, 40.0, 5e7]),
    st.sampled_from([1, 4, 1024]),
)
def test_every_pair_once_whatever_the_tile(places, radius_m, tile):
    images = frame([(47 + 5e-5 * y, 8 + 5e-5 * x) for y, x, _ in places], [group for _, _, group in places])
    assert listed(images, radius_m, tile) == by_hand(images, radius_m)


def test_images_that_know_nothing_of_where_they_are_have_no_pairs():
    assert listed(frame([(None, None)] * 3), 100) == []
    assert listed(frame([]), 100) == []


@pytest.mark.parametrize("groups", [None, ["a"] * 3000], ids=["one spot", "one group"])
def test_a_crowded_spot_comes_in_small_tiles(groups):
    images = frame([(47.0, 8.0)] * 3000, groups)
    tiles = [(max(part.near.shape), int(part.near.sum())) for part in near_pairs(images, 100, tile=512)]
    assert max(size for size, _ in tiles) == 512
    assert sum(pairs for _, pairs in tiles) == 3000 * 2999 // 2


def test_spread_images_cost_no_square():
    """Ten thousand images over a country: tiles hold a few pairs each, not the hundred million of all."""
    rng = np.random.default_rng(0)
    images = frame(np.stack([rng.uniform(45, 55, 10_000), rng.uniform(5, 15, 10_000)], axis=1))
    assert sum(part.near.size for part in near_pairs(images, 100)) < 100_000
