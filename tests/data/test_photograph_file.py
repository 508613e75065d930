"""Photographs' bytes from files and from objects, with the same rules broken."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from roadwork.data.photograph_file import read_photograph
from roadwork.errors import PhotographError
from roadwork.storage import objects
from roadwork.storage.objects import write_object
from roadwork.storage.place import Place, place_of


@pytest.fixture(params=["file", "object"])
def photograph(request, tmp_path: Path) -> Place:
    if request.param == "file":
        (tmp_path / "a.jpg").write_bytes(bytes(1_500_000))
        return tmp_path / "a.jpg"
    place = place_of(f"memory://{uuid4().hex}/a.jpg", parameter="test")
    write_object(place, bytes(1_500_000))
    return place


def test_its_bytes(photograph: Place) -> None:
    assert read_photograph(photograph) == read_photograph(photograph, max_bytes=1_500_000) == bytes(1_500_000)


def test_one_that_is_too_large_is_refused(photograph: Place) -> None:
    with pytest.raises(PhotographError) as caught:
        read_photograph(photograph, max_bytes=1_000_000)
    assert caught.value.rule == "at most ingest.max_file_megabytes large: 1.5 of 1 MB"
    assert caught.value.where == str(photograph)


def test_one_that_is_missing(photograph: Place) -> None:
    for options in ({}, {"max_bytes": 10}, {"max_bytes": 10, "size_bytes": 3}):
        with pytest.raises(PhotographError) as caught:
            read_photograph(photograph.parent / "b.jpg", **options)
        assert caught.value.rule == "the file must exist"


def test_a_listing_is_believed_before_a_byte_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "patiently", lambda *_: pytest.fail("asked the store"))
    place = place_of(f"memory://{uuid4().hex}/a.jpg", parameter="test")
    with pytest.raises(PhotographError, match="too large"):
        read_photograph(place, max_bytes=1_000_000, size_bytes=2_000_000)
