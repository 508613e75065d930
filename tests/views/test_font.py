from roadwork.views.font import sans


def test_the_typeface_has_its_size_and_weight():
    assert sans(20).getname() == ("DejaVu Sans", "Book")
    assert sans(20, bold=True).getname() == ("DejaVu Sans", "Bold")
    assert sans(40).getlength("roadwork") > 1.8 * sans(20).getlength("roadwork")


def test_it_has_what_pictures_write():
    """A missing glyph is drawn as the same box for every character."""
    boxes = {bytes(sans(20).getmask(text)) for text in "−→·×…"}
    assert len(boxes) == 5
