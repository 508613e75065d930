import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwork.evidence.layout import arranged

BOX = st.tuples(st.integers(1, 3000), st.integers(1, 3000)).map(lambda size: (0, 0, *size))


@given(width=st.integers(1, 1700), height=st.integers(1, 1000), boxes=st.lists(BOX, max_size=3))
def test_cards_meet_neither_the_block_nor_each_other(width, height, boxes):
    whole, tall, places = arranged((width, height), boxes)
    assert len(places) == len(boxes)
    areas = [(0, 0, width, height), *places]
    for place, (x, y, w, h) in enumerate(areas):
        assert x >= 0
        assert x + w <= whole
        assert y + h <= tall
        for left, top, broad, deep in areas[:place]:
            assert x >= left + broad or left >= x + w or y >= top + deep or top >= y + h


@pytest.mark.parametrize(
    ("block", "box", "beside"),
    [
        ((1280, 850), (0, 0, 400, 300), "below each other"),
        ((620, 1000), (0, 0, 120, 1200), "side by side"),
        ((1280, 300), (0, 0, 4800, 600), "under it"),
    ],
)
def test_the_form_of_the_views_decides(block, box, beside):
    _, _, places = arranged(block, [box] * 3)
    xs, ys = [place[0] for place in places], [place[1] for place in places]
    if beside == "side by side":
        assert xs == sorted(set(xs))
        assert set(ys) == {0}
    else:
        assert len(set(xs)) == 1
        assert ys == sorted(set(ys))
        assert (xs[0] > block[0], ys[0] > block[1]) == (beside == "below each other", beside == "under it")
