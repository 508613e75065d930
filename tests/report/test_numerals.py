import pytest

from roadwork.report import numerals


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (numerals.score(0.12345), "0.123"),
        (numerals.score(-0.12345), "−0.123"),
        (numerals.score(-0.0001), "0.000"),
        (numerals.score(None), "–"),
        (numerals.score(0.98765, 1), "1.0"),
        (numerals.signed(0.0491), "+0.049"),
        (numerals.signed(-0.0491), "−0.049"),
        (numerals.signed(-0.0001), "0.000"),
        (numerals.signed(None), "–"),
        (numerals.interval((-0.1, 0.25)), "−0.100 to 0.250"),
        (numerals.interval(None), "–"),
        (numerals.brackets((-0.1, 0.25)), "[−0.10, 0.25]"),
        (numerals.brackets(None), "–"),
        (numerals.short(-0.5), "−0.5"),
        (numerals.short(1.0), "1"),
        (numerals.percent(0.625), "62 %"),
        (numerals.percent(None), "–"),
        (numerals.count(12345), "12,345"),
        (numerals.duration(12.345), "12.3 s"),
        (numerals.duration(150.0), "2.5 min"),
        (numerals.duration(3 * 3600.0), "3 h"),
    ],
)
def test_numbers_are_shown_for_reading(shown, text):
    assert shown == text
