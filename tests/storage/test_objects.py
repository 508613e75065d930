from __future__ import annotations

import threading
from uuid import uuid4

import pytest

from roadwork.storage.objects import (
    at_once,
    delete_object,
    folders,
    listed,
    object_exists,
    object_size,
    read_object,
    write_object,
)
from roadwork.storage.place import place_of


@pytest.fixture
def folder():
    return place_of(f"memory://{uuid4().hex}/folder", parameter="p")


def test_an_object_is_what_was_written_last_in_whole_and_in_part(folder) -> None:
    write_object(folder / "a", b"first")
    write_object(folder / "a", b"0123456789")
    assert read_object(folder / "a") == b"0123456789"
    assert read_object(folder / "a", 2, 5) == b"234"
    assert read_object(folder / "a", -3) == b"789"
    assert object_size(folder / "a") == 10


def test_what_is_not_there_is_told_and_deleting_it_is_no_fault(folder) -> None:
    for ask in (read_object, object_size):
        with pytest.raises(FileNotFoundError):
            ask(folder / "a")
    assert not object_exists(folder / "a")
    delete_object(folder / "a")
    assert listed(folder) == []
    assert folders(folder) == []


def test_a_listing_is_by_name_and_never_older_than_the_question(folder) -> None:
    write_object(folder / "b", b"12")
    write_object(folder / "c" / "d", b"1")
    assert [entry.name for entry in listed(folder)] == ["b"]
    write_object(folder / "a", b"")
    assert [(entry.name, entry.size_bytes) for entry in listed(folder, deep=True)] == [("a", 0), ("b", 2), ("c/d", 1)]
    assert folders(folder) == ["c"]
    before = listed(folder)[1]
    write_object(folder / "b", b"34")
    after = listed(folder)[1]
    assert after.version != before.version
    assert after.modified is not None
    assert before.modified is not None
    assert after.modified >= before.modified
    assert after.modified.tzinfo is not None


def test_many_requests_are_under_way_at_a_time_and_answers_keep_their_order() -> None:
    together = threading.Barrier(8, timeout=30)

    def ask(number: int) -> int:
        together.wait()
        return number

    assert at_once(ask, range(8)) == list(range(8))
    with pytest.raises(ZeroDivisionError):
        at_once(lambda number: 1 // number, [1, 0, 2])
