"""Feature stores in a real S3 server: written by pieces, read whole and by ranges, refused, gone, and streamed from."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from roadwork.embed import zarr_folder
from roadwork.embed.store import (
    create_image_store,
    open_image_store,
    read_image_store,
    read_text_store,
    write_image_store,
    write_piece,
    write_text_store,
)
from roadwork.embed.store_attributes import read_store_attributes
from roadwork.embed.store_files import file_sizes, read_file
from roadwork.errors import StoreError
from roadwork.storage.objects import delete_object, read_object, write_object
from roadwork.storage.place import Place, place_of, reopened

pytestmark = pytest.mark.ray

ATTRIBUTES = {"fingerprint": "ab" * 32, "manifest_digest": "cd" * 32}
N = 1500
IDS = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(N)]
ROWS = np.random.default_rng(5).standard_normal((N, 12, 40)).astype(np.float16)


@pytest.fixture(params=["chunks", "shards"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "shards":
        monkeypatch.setattr(zarr_folder, "SHARDED_ABOVE", 600)
        monkeypatch.setattr(zarr_folder, "SHARD_CHUNKS", 4)


@pytest.fixture
def root(s3: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    pytest.importorskip("upath")
    monkeypatch.setenv("ROADWORK_FEATURES", f"{s3}/features")
    return place_of(f"{s3}/features", parameter="test")


def draft_of(path: Path):
    return create_image_store(path, IDS, view_count=12, dim=40, attributes=ATTRIBUTES)


def put(path: Path, rows: np.ndarray = ROWS) -> Path:
    write_image_store(path, IDS, [rows], view_count=12, dim=40, attributes=ATTRIBUTES)
    return path


def lies_at(path: Path) -> Place:
    return reopened(json.loads((path / "location.json").read_text())["place"])


def content(store: Place) -> dict[str, bytes]:
    return {name: read_file(store, name) for name in file_sizes(store)}


def test_its_objects_are_the_files_of_a_store_on_the_disk(
    layout: None, root: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = lies_at(put(tmp_path / "there.zarr"))
    assert place.parent == root
    monkeypatch.delenv("ROADWORK_FEATURES")
    assert content(place) == content(put(tmp_path / "here.zarr"))


def test_it_is_read_whole_and_by_chunks(layout: None, root: Place, tmp_path: Path) -> None:
    path = put(tmp_path / "images.zarr")
    found = read_image_store(path, image_ids=IDS)
    assert np.array_equal(found.embeddings, ROWS)
    assert found.attributes == ATTRIBUTES == read_store_attributes(path, stage="embed_images")
    opened = open_image_store(path, image_ids=IDS)
    assert np.array_equal(np.concatenate([opened.chunk(number) for number in range(opened.chunks)]), ROWS)
    write_text_store(tmp_path / "text.zarr", IDS, ROWS[:, 0], np.arange(N) % 2 == 0, attributes=ATTRIBUTES)
    text = read_text_store(tmp_path / "text.zarr", image_ids=IDS)
    assert np.array_equal(text.embeddings, ROWS[:, 0])
    assert np.array_equal(text.present, np.arange(N) % 2 == 0)


def test_processes_write_their_pieces(layout: None, root: Place, tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; from roadwork.embed.store import write_piece\n"
        "write_piece(sys.argv[1], int(sys.argv[2]), np.load(sys.argv[3]))"
    )
    path = tmp_path / "images.zarr"
    with draft_of(path) as draft:
        started = []
        for start, stop in draft.pieces[:2]:
            np.save(tmp_path / f"{start}.npy", ROWS[start:stop])
            argv = [sys.executable, "-c", code, draft.place, str(start), str(tmp_path / f"{start}.npy")]
            started.append(subprocess.Popen(argv, cwd=Path(__file__).parents[2]))
        for start, stop in draft.pieces[2:]:
            write_piece(draft.place, start, ROWS[start:stop])
        assert [process.wait() for process in started] == [0] * len(started)
    assert np.array_equal(read_image_store(path).embeddings, ROWS)


def test_a_killed_writer_leaves_no_store_and_the_next_one_finishes_it(root: Place, tmp_path: Path) -> None:
    path = tmp_path / "images.zarr"
    with pytest.raises(KeyboardInterrupt), draft_of(path) as draft:
        start, stop = draft.pieces[0]
        write_piece(draft.place, start, ROWS[start:stop])
        raise KeyboardInterrupt
    assert not path.exists()
    with pytest.raises(StoreError, match="never finished"):
        read_image_store(reopened(draft.place))
    assert str(lies_at(put(path))) == draft.place
    assert np.array_equal(read_image_store(path).embeddings, ROWS)
    with draft_of(path) as again:
        assert again.pieces == []


def test_a_changed_exchanged_or_missing_object_is_told(layout: None, root: Place, tmp_path: Path) -> None:
    path = put(tmp_path / "images.zarr")
    place = lies_at(path)
    first, second = place / "embeddings/c/0/0/0", place / "embeddings/c/1/0/0"
    whole, other = read_object(first), read_object(second)
    write_object(first, whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    with pytest.raises(StoreError, match="damaged"):
        open_image_store(path).chunk(0)
    write_object(first, other)
    with pytest.raises(StoreError, match="gone or damaged"):
        open_image_store(path)
    delete_object(first)
    with pytest.raises(StoreError, match="gone or damaged"):
        open_image_store(path)
    delete_object(place / "zarr.json")
    with pytest.raises(StoreError, match=r"there is no zarr\.json") as caught:
        read_image_store(path)
    assert str(place) in caught.value.where


def test_it_is_written_and_read_through_refusals_delays_and_cuts(faulty_s3, tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("upath")
    proxy = faulty_s3.proxy
    monkeypatch.setenv("ROADWORK_FEATURES", f"{faulty_s3.url}/features")
    proxy.slow_down(seconds=2)
    path = put(tmp_path / "images.zarr")
    proxy.slow_down(requests=2)
    opened = open_image_store(path)
    proxy.cut(10_000, requests=2, method="GET", key="embeddings/c/")
    assert np.array_equal(np.concatenate([opened.chunk(number) for number in range(opened.chunks)]), ROWS)
    proxy.refuse(1)
    assert np.array_equal(opened.chunk(0), ROWS[:256])
    proxy.slow_down(requests=2, key="embeddings/c/")
    assert np.array_equal(read_image_store(path).embeddings, ROWS)


def test_patience_ends_with_the_place_and_what_to_do(faulty_s3, tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("upath")
    monkeypatch.setenv("ROADWORK_FEATURES", f"{faulty_s3.url}/features")
    path = put(tmp_path / "images.zarr")
    opened = open_image_store(path)
    monkeypatch.setenv("ROADWORK_STORE_PATIENCE_S", "2")
    faulty_s3.proxy.refuse(3600)
    for ask in (lambda: opened.chunk(0), lambda: open_image_store(path)):
        with pytest.raises(StoreError, match="has not answered") as caught:
            ask()
        assert str(lies_at(path)) in str(caught.value)


def test_a_second_epoch_asks_the_store_for_nothing(layout: None, faulty_s3, tmp_path: Path, monkeypatch) -> None:
    torch = pytest.importorskip("torch")
    from roadwork.train.chunk_cache import ChunkCache, held
    from roadwork.train.read_ahead import StoreReader
    from roadwork.train.streamed import Streamed

    monkeypatch.setenv("ROADWORK_FEATURES", f"{faulty_s3.url}/features")
    monkeypatch.setenv("ROADWORK_CACHE", str(tmp_path / "cache"))
    opened = open_image_store(put(tmp_path / "images.zarr"))
    copies = ChunkCache(opened.seal, gigabytes=1)
    there = Streamed(StoreReader(opened, ahead_chunks=4, copies=copies), np.arange(N))
    proxy = faulty_s3.proxy
    for epoch in (1, 2):
        before = proxy.count()
        assert torch.equal(torch.cat(list(there.pieces(100))), torch.from_numpy(ROWS))
        assert (proxy.count() > before) == (epoch == 1)
    assert held().copies == 6
