"""A store that many write, a piece each: in any order, twice, in other processes; published whole or not at all."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from roadwork.embed import zarr_folder
from roadwork.embed.store import create_image_store, read_image_store, write_image_store, write_piece
from roadwork.embed.store_files import file_sizes, read_file
from roadwork.errors import StoreError
from roadwork.storage.objects import delete_object
from roadwork.storage.place import Place, place_of

ATTRIBUTES = {"fingerprint": "ab" * 32, "manifest_digest": "cd" * 32}
N = 1500


def ids(count: int = N) -> list[str]:
    return [hashlib.sha256(str(i).encode()).hexdigest() for i in range(count)]


def values(count: int = N) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((count, 2, 3)).astype(np.float16)


@pytest.fixture(params=["chunks", "shards"])
def piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Images of a piece."""
    if request.param == "chunks":
        return 256
    monkeypatch.setattr(zarr_folder, "SHARDED_ABOVE", 600)
    monkeypatch.setattr(zarr_folder, "SHARD_CHUNKS", 4)
    return 1024


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """What $ROADWORK_FEATURES names."""
    text = str(tmp_path / "elsewhere") if request.param == "folder" else f"memory://{uuid4().hex}/features"
    monkeypatch.setenv("ROADWORK_FEATURES", text)
    return place_of(text, parameter="test")


def draft_of(path: Path):
    return create_image_store(path, ids(), view_count=2, dim=3, attributes=ATTRIBUTES)


def content(store: Place) -> dict[str, bytes]:
    return {name: read_file(store, name) for name in file_sizes(store)}


@pytest.fixture
def whole(piece: int, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of the store as one writer writes it from rows in order."""
    path = tmp_path_factory.mktemp("whole") / "images.zarr"
    write_image_store(path, ids(), [values()], view_count=2, dim=3, attributes=ATTRIBUTES)
    return content(path)


def test_pieces_cover_all_rows_and_are_a_file_each(piece: int, tmp_path: Path) -> None:
    with draft_of(tmp_path / "images.zarr") as draft:
        assert draft.pieces == [(start, min(start + piece, N)) for start in range(0, N, piece)]
        for start, stop in draft.pieces:
            write_piece(draft.place, start, values()[start:stop])
    files = [name for name in content(tmp_path / "images.zarr") if name.startswith("embeddings/c")]
    assert len(files) == len(draft.pieces)


def test_whoever_writes_and_in_whatever_order_the_bytes_are_the_same(whole: dict[str, bytes], tmp_path: Path) -> None:
    with draft_of(tmp_path / "images.zarr") as draft:
        for start, stop in [*reversed(draft.pieces), draft.pieces[0]]:
            write_piece(draft.place, start, values()[start:stop])
    assert content(tmp_path / "images.zarr") == whole


def test_another_process_in_another_folder_writes_a_piece(
    whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = (
        "import sys, numpy as np; from roadwork.embed.store import write_piece\n"
        "write_piece(sys.argv[1], int(sys.argv[2]), np.load(sys.argv[3]))"
    )
    with draft_of(Path("images.zarr")) as draft:  # a relative path, as a project's
        (first, last), *others = draft.pieces
        np.save(tmp_path / "rows.npy", values()[first:last])
        argv = [sys.executable, "-c", code, draft.place, str(first), str(tmp_path / "rows.npy")]
        root = Path(__file__).parents[2]
        subprocess.run(argv, check=True, cwd="/", env={"PYTHONPATH": str(root)})
        for start, stop in others:
            write_piece(draft.place, start, values()[start:stop])
    assert content(tmp_path / "images.zarr") == whole


def test_in_an_object_store_the_bytes_are_the_same(
    whole: dict[str, bytes], root: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with draft_of(tmp_path / "images.zarr") as draft:
        for start, stop in reversed(draft.pieces):
            write_piece(draft.place, start, values()[start:stop])
    (name,) = {name.partition("/")[0] for name in file_sizes(root)}
    assert content(root / name) == whole


def test_a_store_that_is_there_and_whole_is_not_written_again(root: Place, tmp_path: Path, capsys) -> None:
    write_image_store(tmp_path / "one.zarr", ids(), [values()], view_count=2, dim=3, attributes=ATTRIBUTES)
    (tmp_path / "two").mkdir()
    with draft_of(tmp_path / "two" / "one.zarr") as draft:
        assert draft.pieces == []
    assert "it is used as it is" in capsys.readouterr().err
    assert np.array_equal(read_image_store(tmp_path / "two" / "one.zarr").embeddings, values())
    assert len({name.partition("/")[0] for name in file_sizes(root)}) == 1


def test_other_images_attributes_or_shapes_are_other_stores(root: Place, tmp_path: Path) -> None:
    path = tmp_path / "images.zarr"
    places = set()
    for images, attributes, dim in (
        (ids(), ATTRIBUTES, 3), (ids()[::-1], ATTRIBUTES, 3), (ids(9), ATTRIBUTES, 3), (ids(), {"a": 1}, 3),
        (ids(), ATTRIBUTES, 4),
    ):  # fmt: skip
        rows = np.ones((len(images), 2, dim), np.float16)
        write_image_store(path, images, [rows], view_count=2, dim=dim, attributes=attributes)
        places.add((path / "location.json").read_text())
    assert len(places) == len({name.partition("/")[0] for name in file_sizes(root)}) == 5


def test_a_killed_attempt_is_no_store_and_is_written_over(
    whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = place_of(f"memory://{uuid4().hex}/features", parameter="test")
    monkeypatch.setenv("ROADWORK_FEATURES", str(root))
    path = tmp_path / "images.zarr"
    with pytest.raises(KeyboardInterrupt), draft_of(path) as draft:
        start, stop = draft.pieces[0]
        write_piece(draft.place, start, values()[start:stop])
        raise KeyboardInterrupt
    assert not path.exists()
    half = place_of(draft.place, parameter="test")
    with pytest.raises(StoreError, match="never finished"):
        read_image_store(half)
    with draft_of(path) as again:
        assert again.place == draft.place
        for start, stop in again.pieces:
            write_piece(again.place, start, values()[start:stop])
    assert content(half) == whole
    assert np.array_equal(read_image_store(path).embeddings, values())


def test_a_store_that_lost_an_object_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = place_of(f"memory://{uuid4().hex}/features", parameter="test")
    monkeypatch.setenv("ROADWORK_FEATURES", str(root))
    path = tmp_path / "images.zarr"
    write_image_store(path, ids(), [values()], view_count=2, dim=3, attributes=ATTRIBUTES)
    (chunk,) = [name for name in file_sizes(root) if name.endswith("embeddings/c/1/0/0")]
    delete_object(root / chunk)
    with pytest.raises(StoreError, match="gone or damaged"):
        read_image_store(path)
    write_image_store(path, ids(), [values()], view_count=2, dim=3, attributes=ATTRIBUTES)
    assert np.array_equal(read_image_store(path).embeddings, values())


def test_a_piece_that_nobody_wrote_is_a_bug_and_nothing_is_published(piece: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pieces were written"), draft_of(tmp_path / "images.zarr") as draft:
        for start, stop in draft.pieces[1:]:
            write_piece(draft.place, start, values()[start:stop])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("start", "rows"),
    [
        (256, values(256)),  # inside a shard
        (0, values(255)),
        (0, values(1025)),
        (1, values(1024)),
        (-1024, values(1024)),
        (2048, values(0)),
        (1024, values(477)),
        (0, values(1024).astype(np.float32)),
        (0, values(1024)[:, :1]),
    ],
)
def test_what_is_no_piece_is_a_bug(start: int, rows: np.ndarray, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(zarr_folder, "SHARDED_ABOVE", 600)
    monkeypatch.setattr(zarr_folder, "SHARD_CHUNKS", 4)
    with pytest.raises(ValueError, match="expected"), draft_of(tmp_path / "images.zarr") as draft:
        write_piece(draft.place, start, rows)
    assert not list(tmp_path.iterdir())
