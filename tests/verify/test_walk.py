import pytest

from roadwork.errors import DataError, StoreError
from roadwork.verify.fault import Fault, Faults, listed
from roadwork.verify.walk import Link, walk


@pytest.fixture
def there(tmp_path):
    (tmp_path / "there").write_text("x")
    return tmp_path / "there"


def right(faults):
    return "as it should be"


def broken(faults):
    raise DataError("broken", where="a file", fix="run it again")


def test_links_in_their_order_each_with_its_state(there):
    def wrong(faults):
        faults.add("one thing")
        faults.add("another")
        return "two things"

    links = [
        Link("a", "one", [there], (), right),
        Link("b", "two", [there], (), wrong),
        Link("c", "x", [there], (), broken),
    ]
    seen = walk(links)
    assert [(link.name, link.state, link.detail) for link in seen] == [
        ("a", "right", "as it should be"),
        ("b", "wrong", "two things"),
        ("c", "wrong", ""),
    ]
    assert [fault.what for link in seen for fault in link.faults] == ["one thing", "another", "broken"]


def test_what_is_not_made_yet_is_no_fault(there, tmp_path):
    seen = walk([Link("a", "ingest", [there], (), right), Link("b", "tile", [tmp_path / "no"], ("a",), right)])
    assert seen[1].state == "absent"
    assert seen[1].detail == "not made yet: run `roadwork tile`"


def test_what_is_missing_though_something_was_made_from_it(there, tmp_path):
    links = [
        Link("a", "ingest", [tmp_path / "no"], (), right),
        Link("b", "tile", [tmp_path / "neither"], ("a",), right),
        Link("c", "embed", [there], ("b",), right),
    ]
    seen = walk(links)
    assert [link.state for link in seen] == ["wrong", "wrong", "right"]
    (fault,) = seen[0].faults
    assert "the c was made from it" in fault.what
    assert "roadwork ingest" in fault.fix


def test_a_fault_is_told_once_and_later_links_are_unclear(there):
    seen = walk([Link("a", "one", [there], (), broken), Link("b", "two", [there], (), broken)])
    assert [link.state for link in seen] == ["wrong", "unclear"]
    assert seen[1].detail == "not looked at: broken"
    assert seen[1].faults == ()


def test_a_link_that_needs_a_missing_file_is_unclear(there, tmp_path):
    def needs(faults):
        raise StoreError("does not exist", where=str(tmp_path / "no"))

    seen = walk([Link("a", "one", [tmp_path / "no"], (), right), Link("b", "two", [there], ("a",), needs)])
    assert [link.state for link in seen] == ["wrong", "unclear"]


@pytest.mark.parametrize("error", [KeyError("x"), TypeError("y"), RecursionError(), MemoryError()])
def test_whatever_a_reader_stumbles_over_is_a_fault_and_the_walk_goes_on(there, error):
    def stumble(faults):
        raise error

    seen = walk([Link("a", "one", [there], (), stumble), Link("b", "two", [there], (), right)])
    assert [link.state for link in seen] == ["wrong", "right"]
    assert type(error).__name__ in seen[0].faults[0].what
    assert "roadwork one" in seen[0].faults[0].fix


def test_ctrl_c_is_none_of_these(there):
    def interrupted(faults):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk([Link("a", "one", [there], (), interrupted)])


def test_noted_takes_errors_of_users_and_lets_bugs_pass():
    faults = Faults()
    with faults.noted():
        raise DataError("what", where="where", rule="rule", fix="fix")
    assert faults.found == [Fault("what", "where", "rule", "fix")]
    with pytest.raises(KeyError), faults.noted():
        raise KeyError


def test_listed_names_the_first_and_counts_the_rest():
    assert listed([1, 2]) == "1, 2"
    assert listed(list(range(9))) == "0, 1, 2, 3, 4 and 4 more"
