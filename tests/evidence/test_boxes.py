import numpy as np
import pytest
from PIL import Image

from roadwork.evidence.boxes import as_box, draw_boxes, is_tile
from roadwork.evidence.colours import AGAINST, TOWARD, Scale
from roadwork.evidence.view import ViewEvidence
from roadwork.views.geometry import view_boxes, view_names

NAMES = view_names(3)
SIZE = (640, 480)
BOXES = view_boxes(*SIZE, grid=3, overlap=0.25)
GREEN = (60, 160, 90)


def views(**known):
    """All 12 views, kept and changing nothing, except the `known` ones: name to (kept, deletion)."""
    return [
        ViewEvidence(name, 0.5, *(kept, 0.0 if kept else None, deletion))
        for name in NAMES
        for kept, deletion in [known.get(name, (1.0, 0.0))]
    ]


def drawn(photograph=None, **known):
    shown = views(**known)
    picture = draw_boxes(photograph or Image.new("RGB", SIZE, GREEN), BOXES, shown, Scale.of(shown))
    assert (picture.mode, picture.size) == ("RGB", SIZE)
    return np.asarray(picture).astype(int)


def middle(name):
    left, top, right, bottom = BOXES[NAMES.index(name)].tolist()
    return (top + bottom) // 2, (left + right) // 2


def at(picture, place):
    return tuple(picture[place].tolist())


def test_a_tile_is_tinted_in_its_direction_and_the_photograph_stays_visible():
    picture = drawn(tile_2_1=(1.0, 0.4), tile_2_3=(1.0, -0.2))
    toward, against, none = (at(picture, middle(name)) for name in ("tile_2_1", "tile_2_3", "tile_1_2"))
    assert none == GREEN
    assert toward[0] > GREEN[0] + 20
    assert against[2] > GREEN[2]
    assert against[0] < GREEN[0]
    assert max(abs(new - old) for new, old in zip(toward, GREEN, strict=True)) < 60


def test_the_most_telling_are_outlined_whole_the_others_at_their_corners():
    picture = drawn(tile_2_1=(1.0, 0.4), tile_2_3=(1.0, -0.3), tile_1_2=(1.0, 0.2), tile_3_2=(1.0, 0.1))

    def colours_along_the_top(name):
        left, top, right, _ = BOXES[NAMES.index(name)].tolist()
        strip = picture[top : top + 6, left + (right - left) // 2 - 8 : left + (right - left) // 2 + 8]
        return {tuple(pixel) for pixel in strip.reshape(-1, 3).tolist()}

    assert TOWARD in colours_along_the_top("tile_2_1")
    assert AGAINST in colours_along_the_top("tile_2_3")
    assert TOWARD in colours_along_the_top("tile_1_2")
    assert TOWARD not in colours_along_the_top("tile_3_2")
    left, top, _, _ = BOXES[NAMES.index("tile_3_2")].tolist()
    assert TOWARD in {tuple(p) for p in picture[top : top + 12, left : left + 12].reshape(-1, 3).tolist()}


def test_the_stronger_the_thicker():
    def width(deletion):
        picture = drawn(tile_2_2=(1.0, deletion), tile_1_1=(1.0, 0.4))
        top = int(BOXES[NAMES.index("tile_2_2"), 1])
        column = picture[top : top + 12, middle("tile_2_2")[1]]
        return sum(tuple(pixel) == TOWARD for pixel in column.tolist())

    assert 1 <= width(0.04) < width(0.39)


def test_what_no_kept_tile_covers_is_faded_and_hatched():
    picture = drawn(tile_1_1=(0.0, 0.0))
    corner = picture[20:60, 40:90].reshape(-1, 3)
    assert np.ptp(corner, axis=1).max() < np.ptp(GREEN) * 0.5
    assert len({tuple(pixel) for pixel in corner.tolist()}) >= 2
    assert at(picture, middle("tile_2_2")) == GREEN


def test_a_dropped_view_is_dashed():
    whole, dashed = drawn(), drawn(center=(0.0, 0.0))
    left, top, _, _ = BOXES[NAMES.index("center")].tolist()
    changes = [np.abs(np.diff(picture[top : top + 60, left + 2, 0])).astype(bool).sum() for picture in (whole, dashed)]
    assert changes[1] > changes[0]


def test_the_photograph_given_stays_as_it_was():
    photograph = Image.new("RGB", SIZE, GREEN)
    first, second = (drawn(photograph, tile_2_1=(1.0, 0.4), tile_1_1=(0.0, 0.0)) for _ in range(2))
    assert photograph.getcolors() == [(SIZE[0] * SIZE[1], GREEN)]
    assert np.array_equal(first, second)


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (30, 4)])
def test_photographs_too_small_for_lines(size):
    shown = views(tile_2_1=(1.0, 0.4), tile_1_1=(0.0, 0.0))
    boxes = view_boxes(*size, grid=3, overlap=0.25)
    assert draw_boxes(Image.new("RGB", size), boxes, shown, Scale.of(shown)).size == size


def test_tiles_and_others():
    assert [view.name for view in views() if not is_tile(view)] == ["global", "center", "right"]
    assert as_box(BOXES[0]) == (0, 0, *SIZE)
