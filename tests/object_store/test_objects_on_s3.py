"""Reading, writing and listing objects of a real S3 server that is well, slow, refusing, cutting off, or forbidding."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from roadwork.errors import StoreError
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
from roadwork.storage.place import place_of, reopened

pytestmark = pytest.mark.ray

CONTENT = bytes(range(256)) * 400  # 100 kB


@pytest.fixture
def place(s3):
    pytest.importorskip("upath")
    return place_of(s3, parameter="test")


@pytest.fixture
def faulty(faulty_s3):
    """The place, and the proxy before it; the place's object `a/whole` is there."""
    pytest.importorskip("upath")
    place = place_of(faulty_s3.url, parameter="test")
    write_object(place / "a" / "whole", CONTENT)
    write_object(place / "top", CONTENT)
    return place, faulty_s3.proxy


def test_what_is_written_is_read_back_whole_and_in_part(place):
    write_object(place / "a", CONTENT)
    assert read_object(place / "a") == CONTENT
    assert read_object(place / "a", 10, 20) == CONTENT[10:20]
    assert read_object(place / "a", -16) == CONTENT[-16:]
    assert object_size(place / "a") == len(CONTENT)
    write_object(place / "a", b"another")
    assert read_object(place / "a") == b"another"
    assert object_size(place / "a") == 7


def test_an_empty_object(place):
    write_object(place / "none", b"")
    assert read_object(place / "none") == b""
    assert object_exists(place / "none")


def test_what_is_not_there(place):
    assert not object_exists(place / "a")
    with pytest.raises(FileNotFoundError):
        read_object(place / "a")
    with pytest.raises(FileNotFoundError):
        read_object(place / "a", 0, 4)
    delete_object(place / "a")
    assert listed(place / "nowhere") == []
    assert folders(place / "nowhere") == []


def test_what_another_process_deletes_or_writes_is_seen_at_once(place):
    import boto3

    bucket, _, prefix = place.path.partition("/")
    client = boto3.client("s3")
    write_object(place / "a", b"1")
    assert [entry.name for entry in listed(place)] == ["a"]
    client.put_object(Bucket=bucket, Key=f"{prefix}/b", Body=b"22")
    assert [(entry.name, entry.size_bytes) for entry in listed(place)] == [("a", 1), ("b", 2)]
    client.put_object(Bucket=bucket, Key=f"{prefix}/a", Body=b"333")
    assert (object_size(place / "a"), read_object(place / "a")) == (3, b"333")
    client.delete_object(Bucket=bucket, Key=f"{prefix}/a")
    assert not object_exists(place / "a")
    assert [entry.name for entry in listed(place)] == ["b"]


def test_a_listing_tells_names_sizes_versions_and_times(place):
    write_object(place / "a" / "one", b"1")
    write_object(place / "a" / "deep" / "two", b"22")
    write_object(place / "ab" / "three", b"333")
    (one,) = listed(place / "a")
    assert (one.name, one.size_bytes) == ("one", 1)
    assert one.modified is not None
    assert one.modified.tzinfo is not None
    assert [entry.name for entry in listed(place / "a", deep=True)] == ["deep/two", "one"]
    assert folders(place) == ["a", "ab"]
    write_object(place / "a" / "one", b"2")
    assert listed(place / "a")[0].version != one.version


def test_more_objects_than_one_answer_lists(place):
    names = [f"{number:04d}" for number in range(1100)]  # a listing's page holds 1,000
    at_once(lambda name: write_object(place / "many" / name, b"x"), names)
    assert [entry.name for entry in listed(place / "many")] == names


def test_a_name_of_any_characters(place):
    for name in ("with space", "plus+and&", "ü-ñ-図", "per%20cent", "brackets[0]", "star*", "q?u"):
        write_object(place / "odd" / name, name.encode())
        assert read_object(place / "odd" / name) == name.encode()
    assert {entry.name for entry in listed(place / "odd")} >= {"with space", "ü-ñ-図", "per%20cent"}


def test_the_place_is_found_again_by_its_text(place):
    write_object(place / "a", b"1")
    assert read_object(reopened(str(place / "a"))) == b"1"


def test_it_is_told_to_slow_down_for_a_while(faulty):
    place, proxy = faulty
    proxy.slow_down(requests=12)
    write_object(place / "b", CONTENT)
    assert read_object(place / "b") == CONTENT
    proxy.slow_down(requests=12)
    assert [entry.name for entry in listed(place)] == ["b", "top"]
    assert proxy.count(status=503) == 24


def test_many_requests_at_once_while_it_refuses(faulty):
    place, proxy = faulty
    proxy.slow_down(seconds=2)
    at_once(lambda number: write_object(place / "many" / f"{number:02d}", str(number).encode()), range(40))
    assert proxy.count(status=503) > 0
    assert at_once(lambda number: read_object(place / "many" / f"{number:02d}"), range(40)) == [
        str(number).encode() for number in range(40)
    ]


def test_slow_answers(faulty):
    place, proxy = faulty
    proxy.delay(1.0)
    assert read_object(place / "a" / "whole") == CONTENT
    write_object(place / "b", b"1")
    assert object_exists(place / "b")


@pytest.mark.parametrize("after_bytes", [0, 1, 50_000])
def test_answers_that_are_cut_off(faulty, after_bytes):
    place, proxy = faulty
    proxy.cut(after_bytes, requests=3, method="GET", key="whole")
    assert read_object(place / "a" / "whole") == CONTENT
    proxy.cut(after_bytes, requests=3, method="GET", key="whole")
    assert read_object(place / "a" / "whole", 1000, 90_000) == CONTENT[1000:90_000]
    assert proxy.count("GET", "whole", status=0) == 6


def test_a_listing_that_is_cut_off(faulty):
    place, proxy = faulty
    proxy.cut(100, requests=2, method="GET")
    assert [entry.name for entry in listed(place / "a")] == ["whole"]


@pytest.mark.parametrize("ask", [listed, partial(listed, deep=True), folders], ids=["near", "deep", "folders"])
def test_a_listing_that_is_refused_is_never_an_empty_one(faulty, monkeypatch, ask):
    place, proxy = faulty
    proxy.slow_down(requests=15)
    assert ask(place), "a store that refuses isn't an empty one"
    monkeypatch.setenv("ROADWORK_STORE_PATIENCE_S", "1")
    proxy.slow_down()
    with pytest.raises(StoreError, match="has not answered"):
        ask(place)


def test_no_connection_for_some_seconds(faulty):
    place, proxy = faulty
    proxy.refuse(3)
    assert read_object(place / "a" / "whole") == CONTENT
    proxy.refuse(3)
    write_object(place / "b", b"1")
    proxy.refuse(3)
    assert [entry.name for entry in listed(place)] == ["b", "top"]


def test_a_refusal_in_the_middle_of_many_requests(faulty):
    place, proxy = faulty
    proxy.delay(0.05)
    timer = threading.Timer(0.3, proxy.refuse, [2])
    timer.start()
    at_once(lambda number: write_object(place / "many" / f"{number:03d}", bytes([number])), range(200))
    timer.join()
    assert [entry.name for entry in listed(place / "many")] == [f"{number:03d}" for number in range(200)]


@pytest.mark.parametrize("how", ["slow_down", "refuse", "cut"])
def test_patience_ends(faulty, monkeypatch, how):
    place, proxy = faulty
    monkeypatch.setenv("ROADWORK_STORE_PATIENCE_S", "2")
    {"slow_down": proxy.slow_down, "refuse": lambda: proxy.refuse(3600), "cut": lambda: proxy.cut(5)}[how]()
    began = time.monotonic()
    with pytest.raises(StoreError) as caught:
        read_object(place / "a" / "whole")
    told = str(caught.value)
    assert "has not answered" in told
    assert str(place / "a" / "whole") in told
    assert "ROADWORK_STORE_PATIENCE_S" in told
    assert "test-secret" not in told
    assert time.monotonic() - began < 60


def test_a_bucket_that_does_not_exist(place, monkeypatch):
    monkeypatch.setenv("ROADWORK_STORE_PATIENCE_S", "60")
    nowhere = place_of("s3://there-is-no-such-bucket/folder", parameter="test")
    began = time.monotonic()
    with pytest.raises(StoreError, match="there-is-no-such-bucket") as caught:
        write_object(nowhere / "a", b"1")
    assert time.monotonic() - began < 30
    assert "bucket" in str(caught.value)


def test_reading_and_listing_a_bucket_that_does_not_exist_finds_nothing(place):
    nowhere = place_of("s3://there-is-no-such-bucket/folder", parameter="test")
    with pytest.raises(FileNotFoundError):
        read_object(nowhere / "a")
    assert listed(nowhere) == []


def test_no_credentials_at_all_are_told_at_once(place, monkeypatch):
    from served.fixtures import forget_clients

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    forget_clients()
    lost = place_of(str(place), parameter="test")
    began = time.monotonic()
    with pytest.raises(StoreError, match="credentials") as caught:
        read_object(lost / "a")
    assert time.monotonic() - began < 30
    assert "the object store refuses" in str(caught.value)


def test_wrong_credentials_are_told_at_once(monkeypatch, tmp_path):
    pytest.importorskip("upath")
    pytest.importorskip("moto")
    from served.fixtures import lead_to
    from served.s3 import serve_s3

    with serve_s3(open_actions=1) as server:
        bucket = server.new_bucket()
        lead_to(server.endpoint, tmp_path, monkeypatch)
        place = place_of(f"s3://{bucket}/prefix", parameter="test")
        began = time.monotonic()
        for ask in (lambda: read_object(place / "a"), lambda: write_object(place / "a", b"1"), lambda: listed(place)):
            with pytest.raises(StoreError, match="the object store refuses") as caught:
                ask()
            assert bucket in str(caught.value)
            assert "test-secret" not in str(caught.value)
        assert time.monotonic() - began < 30
