import pytest

from roadwork.report.facts import flat, shown


def test_leaves_are_named_by_their_path_in_order():
    value = {"b": 1, "a": {"x": [1, 2], "y": {}}, "none": None}
    assert flat(value) == [("b", "1"), ("a.x", "1, 2"), ("a.y", "none"), ("none", "–")]


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "yes"), (12345, "12,345"), (0.123456, "0.1235"), (1e-6, "1e-06"), ([], "none"), ("x", "x"), (None, "–")],
)
def test_values_are_shown_for_reading(value, text):
    assert shown(value) == text
