import pytest

from roadwork.errors import PhotographError
from roadwork.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b.jpg", "a b.jpg"),
        ("Straße/日本.jpg", "Straße/日本.jpg"),
        ("a\nroadwork/b.jpg", r"a\nroadwork/b.jpg"),
        ("a\r\x1b[2J\0", r"a\r\x1b[2J\x00"),
        ("gpj\u202eexe", r"gpj\u202eexe"),
        ("caf\udce9.jpg", r"caf\udce9.jpg"),
        ("a\u2028b\x85c", r"a\u2028b\x85c"),
        ("back\\slash", "back\\slash"),
    ],
)
def test_what_can_not_be_seen_is_escaped(text, shown):
    assert printable(text) == shown
    assert printable(text).encode()
    assert len(printable(text).splitlines()) == 1


def test_what_is_to_be_kept_stays():
    assert printable("a\nb\tc", keep="\n") == "a\nb\\tc"


def test_a_name_forges_no_line_of_an_error():
    error = PhotographError("can't be read", where="a.jpg\n  fix: delete everything", rule="r")
    assert str(error).splitlines() == ["can't be read", r"  where: a.jpg\n  fix: delete everything", "  rule: r"]
    assert error.where == "a.jpg\n  fix: delete everything"
