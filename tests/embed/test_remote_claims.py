from __future__ import annotations

import json
import os
import time
from uuid import uuid4

import pytest

from roadwork.embed import remote_claims
from roadwork.embed.remote_claims import RemoteClaim
from roadwork.storage.objects import listed, read_object, write_object
from roadwork.storage.place import place_of


@pytest.fixture
def folder():
    return place_of(f"memory://{uuid4().hex}/folder", parameter="p")


def elsewhere(folder, name: str) -> None:
    """Have the claim belong to a process of another machine."""
    place = folder / "claims" / f"{name}.beat"
    write_object(place, json.dumps(json.loads(read_object(place)) | {"host": "another"}).encode())


def test_others_see_what_is_held_until_it_is_released(folder) -> None:
    one, other = RemoteClaim(folder), RemoteClaim(folder)
    one.hold(["a", "b"])
    (seen,) = other.others()
    assert seen.image_ids == {"a", "b"}
    assert str(os.getpid()) in seen.owner
    one.hold(["b"])
    assert [set(each.image_ids) for each in other.others()] == [{"b"}]
    assert one.others() == []
    one.release()
    assert other.others() == []
    assert listed(folder, deep=True) == []


def test_of_two_that_claim_the_same_one_keeps_it(folder) -> None:
    one, other = RemoteClaim(folder), RemoteClaim(folder)
    one.name, other.name = "1-a", "2-b"
    one.hold(["a", "b"])
    other.hold(["b", "c"])
    assert one.contested() == set()
    assert other.contested() == {"b"}
    one.release()
    other.release()


def test_a_claim_that_is_renewed_stands_and_one_that_is_not_falls(folder, monkeypatch) -> None:
    monkeypatch.setattr(remote_claims, "RENEWED_S", 0.05)
    one, other = RemoteClaim(folder), RemoteClaim(folder)
    one.hold(["a"])
    one.beat()
    elsewhere(folder, one.name)
    one._ended.wait(0.5)
    (claimed,) = other.others()
    assert claimed.beat == 1, "the thread has told of it"
    one._ended.set()
    one._thread.join()
    elsewhere(folder, one.name)
    assert len(other.others()) == 1, "not renewed once is not fallen"
    monkeypatch.setattr(remote_claims, "FALLS_AFTER_S", 0.2)
    time.sleep(0.3)
    assert other.others() == []
    assert listed(folder / "claims") == []


def test_a_claim_of_a_dead_process_of_this_machine_falls_at_once(folder) -> None:
    one, other = RemoteClaim(folder), RemoteClaim(folder)
    one.hold(["a"])
    one._ended.set()
    one._thread.join()
    place = folder / "claims" / f"{one.name}.beat"
    told = json.loads(read_object(place))
    write_object(place, json.dumps(told | {"started": told["started"] - 100}).encode())  # its number is another's now
    assert other.others() == []
    assert listed(folder, deep=True) == []


@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b"{}"])
def test_what_is_no_claim_holds_nothing(folder, content: bytes) -> None:
    write_object(folder / "claims" / "1-x.beat", content)
    write_object(folder / "claims" / "1-x.ids", b"a\n")
    assert RemoteClaim(folder).others() == []


def test_unchanged_ids_are_read_once(folder, monkeypatch) -> None:
    one, other = RemoteClaim(folder), RemoteClaim(folder)
    one.hold(["a"])
    asked = []
    fetch = remote_claims.read_object
    monkeypatch.setattr(remote_claims, "read_object", lambda place: (asked.append(place.name), fetch(place))[1])
    other.others()
    other.others()
    assert sum(name.endswith(".ids") for name in asked) == 1
    one.release()
