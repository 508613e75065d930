import pytest

from roadwork.report.interval_text import above, equal, interval_text


@pytest.mark.parametrize(
    ("row", "name", "pair", "text"),
    [
        ({"mcc": 0.5, "n": 9, "blocks": 4}, "mcc", [0.1, 0.9], "95 % interval 0.100 to 0.900"),
        ({"mcc": 1.0, "n": 24, "blocks": 4}, "mcc", None, "no errors among 24: no interval can be given"),
        ({"mcc": 1.0, "n": 24}, "mcc", None, "no errors among 24: no interval can be given"),
        ({"brier": 0.0, "n": 24, "blocks": 4}, "brier", None, "no errors among 24: no interval can be given"),
        ({"mcc": 0.5, "n": 9, "blocks": 1}, "mcc", None, "a single block of photographs: no interval can be given"),
        ({"mcc": None, "n": 9, "blocks": 4}, "mcc", None, "not defined on these photographs: no interval can be given"),
    ],
)
def test_an_interval_or_the_reason_why_there_is_none(row, name, pair, text):
    assert interval_text(row, name, pair, "95 %") == text


def test_small_groups_are_the_reason_that_is_left():
    row = {"mcc": 0.5, "n": 9, "blocks": 3}
    assert interval_text(row, "mcc", None, "95 %").startswith("undefined in too many resamples")


def test_equal_is_0_in_every_resample():
    assert equal(0.0, [0.0, 0.0])
    assert not equal(0.0, [0.0, 0.1])
    assert not equal(0.0, None)
    assert above(0.0, [0.0, 0.0], 0.0) == "equal"
    assert above(-0.2, [-0.3, -0.1], 0.0) == "0 %"
    assert above(None, None, None) == "–"
