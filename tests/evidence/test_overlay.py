import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from roadwork.evidence.colours import AGAINST, MIST, PAPER, TOWARD
from roadwork.evidence.columns import DTYPES
from roadwork.evidence.listing import listing
from roadwork.evidence.overlay import overlay, overlay_thumbnail
from roadwork.evidence.view import ViewEvidence
from roadwork.views.geometry import view_boxes, view_names

GREEN, PINK, WHITE = (60, 160, 90), (250, 20, 200), (255, 255, 255)


def evidence(grid=3, **known):
    return [
        ViewEvidence(name, 0.5, *(kept, 0.1 if kept else None, deletion))
        for name in view_names(grid)
        for kept, deletion in [known.get(name, (1.0, 0.0))]
    ]


def photograph(width, height, colour=GREEN):
    return np.full((height, width, 3), colour, dtype=np.uint8)


def shown(width, height, views, grid=3, probability=0.7, name="photo.jpg", rgb=None):
    boxes = view_boxes(width, height, grid=grid, overlap=0.25)
    rgb = photograph(width, height) if rgb is None else rgb
    return overlay(rgb, boxes, views, probability=probability, name=name)


def count(picture, colour):
    return int((np.asarray(picture) == colour).all(axis=-1).sum())


THREE = evidence(tile_2_1=(1.0, 0.3), tile_2_3=(1.0, -0.2), tile_1_1=(0.0, 0.0), tile_3_3=(1.0, 0.1))


@pytest.mark.parametrize(
    ("width", "height"),
    [
        (4032, 3024),
        (1920, 1080),
        (1080, 1920),
        (96, 72),
        (900, 900),
        (4000, 500),
        (100, 1000),
        (1, 1),
        (12000, 1500),
        (300, 3000),
        (1000, 2200),
        (4000, 1000),
        (3000, 9),
    ],
)
def test_any_photograph_gives_a_picture_of_about_one_size(width, height):
    picture = shown(width, height, THREE)
    assert picture.mode == "RGB"
    assert 1000 <= picture.width <= 1800
    assert 700 <= picture.height <= 1500
    assert count(picture, TOWARD) > 500
    assert count(picture, AGAINST) > 500


@settings(max_examples=12, deadline=None)
@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    grid=st.integers(1, 6),
    seed=st.integers(0, 99),
    probability=st.floats(0, 1),
)
def test_nothing_reaches_over_the_edge(width, height, grid, seed, probability):
    rng = np.random.default_rng(seed)
    views = [
        ViewEvidence(name, float(rng.random()), kept, -12.34 if kept else None, float(rng.normal()) if kept else 0.0)
        for name, kept in zip(view_names(grid), rng.choice([0, 1 / 3, 1], grid**2 + 3).tolist(), strict=True)
    ]
    picture = np.asarray(shown(width, height, views, grid, probability, name="x" * 300 + ".jpg"))
    frame = np.ones(picture.shape[:2], dtype=bool)
    frame[8:-8, 4:-4] = False
    assert (picture[frame] == PAPER).all()


def test_the_most_telling_views_stand_beside_it_strongest_first():
    """Each tile has a colour of its own; the enlargements show those of the three most telling, in their order."""
    width, height = 700, 700
    boxes = view_boxes(width, height, grid=3, overlap=0.25)
    rgb = photograph(width, height)
    marks = {"tile_1_3": (250, 20, 200), "tile_3_1": (20, 240, 240), "tile_2_2": (240, 240, 20)}
    names = view_names(3)
    for name, colour in marks.items():
        left, top, right, bottom = boxes[names.index(name)].tolist()
        rgb[(top + bottom) // 2 - 40 : (top + bottom) // 2 + 40, left + 60 : right - 60] = colour
    views = evidence(tile_3_1=(1.0, -0.4), tile_1_3=(1.0, 0.3), tile_2_2=(1.0, 0.2), center=(1.0, 0.1))
    picture = np.asarray(shown(width, height, views, rgb=rgb)).astype(int)
    beside = picture[:, -440:]
    middles = []
    for name in ("tile_3_1", "tile_1_3", "tile_2_2"):
        near = np.abs(beside - marks[name]).max(axis=2) < 12
        assert near.sum() > 2000, name
        middles.append(np.flatnonzero(near.any(axis=1)).mean())
    assert middles == sorted(middles)
    assert middles[2] - middles[0] > 400


@pytest.mark.parametrize(
    ("width", "height", "listed"),
    [
        (960, 540, 0),
        (540, 960, 0),
        (900, 900, 0),
        (12000, 1500, 0),
        (300, 3000, 1),
        (3000, 40, 1),
        (1, 1, 1),
        (2, 2, 1),
    ],
)
def test_where_tiles_have_no_room_for_figures_a_listing_has_them(width, height, listed, monkeypatch):
    seen = []

    def counted(views, *arguments, **options):
        seen.append(len(views))
        return listing(views, *arguments, **options)

    monkeypatch.setattr("roadwork.evidence.overlay.listing", counted)
    shown(width, height, THREE)
    assert seen == [12] * listed


def test_a_photograph_of_a_pixel_has_no_badge_on_it():
    """All its tiles lie on one another: a number there would name any of them."""
    picture = shown(1, 1, THREE)
    inside = np.asarray(picture)[300:600, 60:560]
    assert len(np.unique(inside.reshape(-1, 3), axis=0)) == 1


def test_enlarged_views_of_extreme_photographs_fill_their_cards():
    """No large frame around a strip: hardly any of the frames' grey."""
    for size in ((12000, 1500), (300, 3000)):
        picture = np.asarray(shown(*size, THREE, rgb=photograph(*size, PINK)))
        assert (picture == MIST).all(axis=-1).mean() < 0.15, size
        near = np.abs(picture.astype(int) - PINK).max(axis=2) < 60
        assert near.mean() > 0.1, size


def test_where_nothing_is_telling_there_is_nothing_beside():
    assert shown(640, 480, evidence()).width < shown(640, 480, THREE).width


def test_the_verdict_has_its_colour():
    def strip(probability):
        return shown(640, 480, evidence(), probability=probability).crop((0, 0, 600, 60))

    assert count(strip(0.5), TOWARD) > 300
    assert count(strip(0.5), AGAINST) == 0
    assert count(strip(0.499), AGAINST) > 300
    assert count(strip(0.499), TOWARD) == 0


def test_equal_arguments_give_equal_pictures():
    assert shown(320, 240, THREE).tobytes() == shown(320, 240, THREE).tobytes()
    assert shown(320, 240, THREE, name="a").tobytes() != shown(320, 240, THREE, name="b").tobytes()


def table(views, image_id="a"):
    rows = [(image_id, n, v.name, v.gate, v.kept == 1, v.logit, v.deletion) for n, v in enumerate(views)]
    return pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)


@pytest.mark.parametrize(("size", "width_px"), [((640, 480), 320), ((1080, 1920), 400), ((40, 30), 640)])
def test_a_thumbnail_has_the_width_and_the_photographs_proportions(size, width_px):
    boxes = view_boxes(*size, grid=3, overlap=0.25)
    picture = overlay_thumbnail(photograph(*size), boxes, table(THREE), width_px)
    assert (picture.mode, picture.size) == ("RGB", (width_px, round(size[1] * width_px / size[0])))
    assert count(picture, TOWARD) > 100
    assert count(picture, AGAINST) > 100
    assert count(picture, WHITE) == 0


def test_a_thumbnail_needs_its_rows_in_no_order():
    boxes = view_boxes(640, 480, grid=3, overlap=0.25)
    rows = table(THREE)
    shuffled = rows.sample(frac=1, random_state=2)
    one, other = (overlay_thumbnail(photograph(640, 480), boxes, frame, 320) for frame in (rows, shuffled))
    assert one.tobytes() == other.tobytes()


def test_a_thumbnail_shows_the_photograph():
    rgb = np.asarray(Image.linear_gradient("L").convert("RGB").resize((640, 480)))
    boxes = view_boxes(640, 480, grid=3, overlap=0.25)
    plain = np.asarray(overlay_thumbnail(rgb, boxes, table(evidence()), 640)).astype(int)
    assert np.median(np.abs(plain - rgb)) == 0
