"""Names below a root, and on the way to another process."""

from __future__ import annotations

from pathlib import Path

import pytest
from upath import UPath

from roadwork.data.below import below, heard, told

STORE = UPath("memory://bucket/folder")


@pytest.mark.parametrize(("name", "inner"), [("a.jpg", "a.jpg"), ("./a//b/x #?%20.jpg", "a/b/x #?%20.jpg"), ("", "")])
def test_a_name_leads_below(name: str, inner: str) -> None:
    assert str(below(STORE, name)) == f"{STORE}/{inner}".rstrip("/")
    assert str(below(STORE, "images", name)) == f"{STORE}/images/{inner}".rstrip("/")


@pytest.mark.parametrize("name", ["..", "a/../b", "/a", "s3://other/a", "memory://bucket/folder/a"])
def test_what_would_lead_elsewhere_is_the_root(name: str) -> None:
    assert below(STORE, name) == below(STORE, "images", name) == STORE


def test_a_folder_joins_as_ever(tmp_path: Path) -> None:
    assert below(tmp_path, "a", "../b") == tmp_path / "a" / "../b"


@pytest.mark.parametrize("place", [Path("/tmp/ü a.jpg"), STORE / "x #1?.jpg", STORE / "ü/%20.jpg"])
def test_told_places_are_heard(place: Path) -> None:
    assert heard(told(place)) == place
