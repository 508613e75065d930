import pytest

from roadwork.evidence.colours import AGAINST, NEUTRAL, PAPER, TOWARD, Scale, mixed
from roadwork.evidence.view import ViewEvidence


def views(*deletions):
    return [ViewEvidence("v", 0.5, 1.0, 0.0, deletion) for deletion in deletions]


def test_the_direction_is_the_colour():
    scale = Scale.of(views(0.1, -0.4))
    assert scale.largest == 0.4
    assert (scale.colour(0.1), scale.colour(-0.4), scale.colour(0.0)) == (TOWARD, AGAINST, NEUTRAL)
    assert scale.colour(0.005) == scale.colour(-0.005) == NEUTRAL


def test_the_size_is_the_strength():
    scale = Scale.of(views(0.1, -0.4))
    assert [scale.strength(value) for value in (0.0, 0.1, -0.1, -0.4)] == pytest.approx([0, 0.25, 0.25, 1])
    assert scale.strength(0.9) == 1.0


def test_where_no_view_matters_all_stay_pale():
    assert Scale.of(views(0.002, -0.001)).strength(0.002) == pytest.approx(0.1)
    assert Scale.of([]).strength(0.0) == 0.0


def test_mixing_with_paper():
    assert mixed(TOWARD, 0.0) == PAPER
    assert mixed(TOWARD, 1.0) == TOWARD
    assert mixed((0, 100, 200), 0.5) == (128, 178, 228)


def test_the_directions_differ_in_lightness_and_in_blue_against_yellow():
    """What red-green colour blindness leaves: the blue channel tells the two apart by far."""
    assert AGAINST[2] - TOWARD[2] > 150
