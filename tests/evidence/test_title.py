import numpy as np
import pytest

from roadwork.evidence.title import title_strip, written


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Straße ñ.jpg", "Straße ñ.jpg"),
        ("道.jpg", "\\u9053.jpg"),
        ("𠀀", "\\U00020000"),
        ("a\nb", "a\\nb"),
        ("x\udcff", "x\\udcff"),
    ],
)
def test_what_the_typeface_lacks_is_escaped(name, text):
    assert written(name) == text


def test_a_name_in_the_title_is_drawn_as_written():
    def strip(name):
        return title_strip(1200, probability=0.5, name=name, about="about").tobytes()

    assert strip("道") == strip("\\u9053")


def test_a_name_without_room_beside_gets_a_line_of_its_own():
    about = "300 × 3000 px · 0.137 to 0.197 with one view withheld"
    short = title_strip(1000, probability=0.5, name="a.jpg", about=about)
    first = title_strip(1000, probability=0.5, name="b" + "x" * 60 + ".jpg", about=about)
    second = title_strip(1000, probability=0.5, name="d" + "x" * 60 + ".jpg", about=about)
    assert first.height == second.height > short.height
    different = np.flatnonzero((np.asarray(first) != np.asarray(second)).any(axis=(0, 2)))
    assert 0 < different.max() < 20  # the name is whole: its first letter stands there


def test_of_a_name_longer_than_the_line_the_end_is_shown():
    def strip(name):
        return title_strip(1000, probability=0.5, name=name, about="about").tobytes()

    assert strip("a" + "x" * 500 + ".jpg") == strip("b" + "x" * 500 + ".jpg")
    assert strip("x" * 500 + "a.jpg") != strip("x" * 500 + "b.jpg")
