import numpy as np

from roadwork.evidence.territory import NOBODY, territory
from roadwork.evidence.view import ViewEvidence

# Two tiles of 6 x 4 px that overlap by two columns, on 10 x 4 px.
TILES = np.array([[0, 0, 6, 4], [4, 0, 10, 4]], dtype=np.int32)


def owners(*evidence):
    views = [ViewEvidence(f"tile_1_{n}", 0.5, kept, 0.0, deletion) for n, (kept, deletion) in enumerate(evidence)]
    found = territory(TILES, views, 10, 4)
    assert (found == found[0]).all()
    return found[0].tolist()


def test_the_more_telling_tile_has_the_overlap_whichever_its_direction():
    assert owners((1.0, 0.1), (1.0, 0.2)) == [0] * 4 + [1] * 6
    assert owners((1.0, -0.3), (1.0, 0.2)) == [0] * 6 + [1] * 4


def test_of_equals_the_earlier():
    assert owners((1.0, 0.2), (1.0, -0.2)) == [0] * 6 + [1] * 4


def test_a_dropped_tile_has_nothing_and_a_kept_one_reaches_to_its_edge():
    assert owners((1.0, 0.0), (0.0, 0.0)) == [0] * 6 + [NOBODY] * 4
    assert owners((0.0, 0.0), (1 / 3, 0.0)) == [NOBODY] * 4 + [1] * 6
    assert owners((0.0, 0.0), (0.0, 0.0)) == [NOBODY] * 10
