import pytest

from roadwork.report.palette import BLUE, INK, PAPER, VERMILION, ink_on, mixed


def test_colours_are_laid_over_paper():
    assert mixed(BLUE, 0.0) == PAPER
    assert mixed(BLUE, 1.0) == BLUE
    assert mixed("#000000", 0.5) == "#808080"


@pytest.mark.parametrize(("ground", "ink"), [(PAPER, INK), ("#000000", PAPER), (mixed(BLUE, 0.65), INK)])
def test_text_takes_the_stronger_contrast(ground, ink):
    assert ink_on(ground) == ink


def test_the_two_directions_differ_in_lightness_too():
    """For readers who see no colour at all the sign stands beside it; the pair is still told apart in grey."""
    blue, vermilion = (
        sum(int(colour[at : at + 2], 16) * weight for at, weight in ((1, 0.3), (3, 0.59), (5, 0.11)))
        for colour in (BLUE, VERMILION)
    )
    assert abs(blue - vermilion) > 20
