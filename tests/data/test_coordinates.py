import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwork.data.coordinates import degrees, parse_coordinates
from roadwork.errors import DataError


@pytest.mark.parametrize(
    ("value", "position"),
    [
        ("[39.77160604, -86.18823935]", (39.77160604, -86.18823935)),
        ("(41.5, -81.7)", (41.5, -81.7)),
        ("41.5, -81.7", (41.5, -81.7)),
        ("41.5 -81.7", (41.5, -81.7)),
        ("41.5;-81.7", (41.5, -81.7)),
        ("41°30'0\"N 81°42'0\"W", (41.5, -81.7)),
        ("41.5 N, 81.7 W", (41.5, -81.7)),
        ([41.5, -81.7], (41.5, -81.7)),
        (("41.5", "-81.7"), (41.5, -81.7)),
        ((90, -180), (90.0, -180.0)),
        ("[0, 0]", (0.0, 0.0)),
    ],
)
def test_positions_in_many_notations(value, position):
    assert parse_coordinates(value) == pytest.approx(position, abs=1e-12)


@pytest.mark.parametrize(
    "value", [None, math.nan, "", " ", "null", "None", "NaN", "[]", [], "[nan, nan]", [None, None]]
)
def test_nothing_known(value):
    assert parse_coordinates(value) is None


@pytest.mark.parametrize(
    "value", ["[91, 10]", "[10, 181]", "-90.001, 0", [0, -180.5], "10°N 181°E", "10 N, 181 E", "inf, 0"]
)
def test_out_of_range(value):
    with pytest.raises(DataError, match=r"out of range|no position") as caught:
        parse_coordinates(value)
    assert caught.value.rule


@pytest.mark.parametrize("value", ["[10, nan]", [None, 10], [10, None], "null, 10"])
def test_half_a_position(value):
    with pytest.raises(DataError, match="half a position"):
        parse_coordinates(value)


@pytest.mark.parametrize("value", ["somewhere", [1, 2, 3], {"lat": 1}, 7, [True, False], ["a", "b"], "[", "1"])
def test_no_position(value):
    with pytest.raises(DataError) as caught:
        parse_coordinates(value)
    assert caught.value.rule


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_written_pairs_are_read_back(latitude, longitude):
    assert parse_coordinates(f"[{latitude!r}, {longitude!r}]") == (latitude, longitude)
    assert parse_coordinates([latitude, longitude]) == (latitude, longitude)


@given(st.text(max_size=30))
def test_any_text_gives_a_position_none_or_a_data_error(text):
    try:
        position = parse_coordinates(text)
    except DataError:
        return
    assert position is None or (abs(position[0]) <= 90 and abs(position[1]) <= 180)


def test_degrees_name_their_range():
    assert degrees("45.5", 90) == 45.5
    assert degrees(None, 90) is None
    with pytest.raises(DataError, match="-90 to 90"):
        degrees(91, 90)
