import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwork.report.axis import axis_over

SCORES = st.lists(st.floats(-2, 2), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("values", "reach", "low", "high", "ticks"),
    [
        ([0.45, 0.81], (0.0, 1.0), 0.0, 1.0, (0.0, 0.5, 1.0)),
        ([-0.13, 0.81], (0.0, 1.0), -0.15, 1.0, (0.0, 0.5, 1.0)),
        ([-0.05, 0.21], (0.0,), -0.05, 0.25, (0.0, 0.1, 0.2)),
        ([0.0], (0.0,), 0.0, 0.1, (0.0, 0.1)),
    ],
)
def test_an_axis_has_round_ends_and_few_ticks(values, reach, low, high, ticks):
    axis = axis_over(values, reach=reach)
    assert (axis.low, axis.high, axis.ticks) == (low, high, ticks)


def test_places_are_in_percent_with_a_margin():
    axis = axis_over([0.2], reach=(0.0, 1.0))
    assert [axis.at(value) for value in (0.0, 0.5, 1.0)] == [5.0, 50.0, 95.0]


@given(SCORES)
def test_every_value_lies_inside(values):
    axis = axis_over(values)
    assert all(4.9 <= axis.at(value) <= 95.1 for value in [*values, 0.0, *axis.ticks])
    assert 1 <= len(axis.ticks) <= 6
    assert 0.0 in axis.ticks


def test_no_values_are_an_axis_too():
    assert axis_over([]).ticks == (0.0, 0.1)
