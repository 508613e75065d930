import pytest

from roadwork.evidence.view import ViewEvidence
from roadwork.evidence.wording import change, gate, kept, logit, reach, signed, without

VIEW = ViewEvidence("tile_1_1", 0.625, 1.0, -0.314, 0.2171)


@pytest.mark.parametrize(
    ("value", "text"), [(0.204, "+0.20"), (-0.206, "−0.21"), (0.0, "0.00"), (-0.001, "0.00"), (1.0, "+1.00")]
)
def test_a_figure_has_a_sign_unless_it_rounds_to_nothing(value, text):
    assert signed(value, 2) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.2171, "+0.22"), (0.0995, "+0.10"), (0.0994, "+0.099"), (-0.0062, "−0.006"), (0.0001, "0.000")],
)
def test_small_changes_have_three_decimals(value, text):
    assert change(value) == text


def test_gate_and_logit():
    assert (gate(VIEW), logit(VIEW), kept(VIEW)) == ("gate 0.62", "logit −0.31", [])
    assert logit(ViewEvidence("v", 0.0, 0.0, None, 0.0)) == "no logit"
    assert kept(ViewEvidence("v", 0.2, 2 / 3, 0.1, 0.0)) == ["kept by 67%"]
    assert kept(ViewEvidence("v", 0.0, 0.0, None, 0.0)) == []


def test_what_withholding_does():
    assert without(0.736, VIEW) == "0.736 → 0.519 without it"
    assert without(0.2, VIEW) == "0.200 → 0.000 without it"
    against = ViewEvidence("v", 0.5, 1.0, 0.0, -0.1)
    assert reach(0.736, [VIEW, against]) == "0.519 to 0.836 with one view withheld"
