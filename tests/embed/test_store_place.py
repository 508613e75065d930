"""Stores that lie elsewhere: the note in the project leads there, and whoever reads is told what is wrong there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from roadwork.embed import zarr_folder
from roadwork.embed.store import (
    open_image_store,
    read_image_store,
    read_text_store,
    write_image_store,
    write_text_store,
)
from roadwork.embed.store_attributes import read_store_attributes
from roadwork.embed.store_files import file_sizes, read_file, write_file
from roadwork.embed.store_place import find_store, seal_of
from roadwork.errors import ParameterError, StoreError
from roadwork.storage.objects import delete_object
from roadwork.storage.place import Place, place_of, reopened

ATTRIBUTES = {"fingerprint": "ab" * 32, "manifest_digest": "cd" * 32}
N = 700


def ids(count: int = N) -> list[str]:
    return [hashlib.sha256(str(i).encode()).hexdigest() for i in range(count)]


ROWS = np.random.default_rng(5).standard_normal((N, 2, 3)).astype(np.float16)
PRESENT = np.arange(N) % 3 > 0


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """What $ROADWORK_FEATURES names."""
    text = (tmp_path / "elsewhere").as_uri() if request.param == "folder" else f"memory://{uuid4().hex}/features"
    monkeypatch.setenv("ROADWORK_FEATURES", text)
    return place_of(text, parameter="test")


@pytest.fixture
def path(root: Place, tmp_path: Path) -> Path:
    write_image_store(tmp_path / "images.zarr", ids(), [ROWS], view_count=2, dim=3, attributes=ATTRIBUTES)
    return tmp_path / "images.zarr"


READERS = [
    read_image_store,
    open_image_store,
    lambda path: read_store_attributes(path, stage="embed_images"),
]


def lies_at(path: Path) -> Place:
    return reopened(json.loads((path / "location.json").read_text())["place"])


def test_the_project_holds_a_note_for_people_and_readers(path: Path, root: Place) -> None:
    assert [file.name for file in path.iterdir()] == ["location.json"]
    note = json.loads((path / "location.json").read_text())
    assert note["place"].startswith(f"{root}/images-")
    assert note["place"].endswith(".zarr")
    assert (note["rows"], note["shape"]) == (N, [N, 2, 3])
    group = json.loads(read_file(lies_at(path), "zarr.json"))
    assert group["attributes"] == {**ATTRIBUTES, "seal": note["seal"]}


def test_readers_follow_the_note(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROADWORK_FEATURES")  # where to write says nothing about where to read
    found = read_image_store(path, image_ids=ids())
    assert np.array_equal(found.embeddings, ROWS)
    assert found.attributes == ATTRIBUTES == read_store_attributes(path, stage="embed_images")
    opened = open_image_store(path, image_ids=ids())
    assert (opened.path, opened.shape, opened.chunks) == (path, (N, 2, 3), 3)
    assert np.array_equal(np.concatenate([opened.chunk(number) for number in range(3)]), ROWS)
    write_image_store(tmp_path / "here.zarr", ids(), [ROWS], view_count=2, dim=3, attributes=ATTRIBUTES)
    assert seal_of(find_store(path)) == seal_of(find_store(tmp_path / "here.zarr"))
    with pytest.raises(StoreError, match="holds 700 images, 4"):
        read_image_store(path, image_ids=ids(4))


def test_text_stores_lie_elsewhere_too_and_go_by_their_rows(root: Place, tmp_path: Path) -> None:
    path = tmp_path / "text.zarr"
    for rows in (ROWS[:, 0], ROWS[:, 1]):  # of equal attributes and ids
        write_text_store(path, ids(), rows, PRESENT, attributes=ATTRIBUTES)
        found = read_text_store(path, image_ids=ids())
        assert np.array_equal(found.embeddings, rows)
        assert np.array_equal(found.present, PRESENT)
    assert len({name.partition("/")[0] for name in file_sizes(root)}) == 2


def test_a_store_written_here_again_replaces_the_note(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROADWORK_FEATURES")
    write_image_store(path, ids(), [ROWS], view_count=2, dim=3, attributes=ATTRIBUTES)
    assert (path / "zarr.json").is_file()
    assert not (path / "location.json").exists()
    assert np.array_equal(read_image_store(path).embeddings, ROWS)


def emptied(place: Place) -> None:
    if isinstance(place, Path):
        shutil.rmtree(place)
    else:
        for name in file_sizes(place):
            delete_object(place / name)


@pytest.mark.parametrize("read", READERS)
def test_a_store_that_is_gone_says_where_it_was_looked_for(path: Path, read) -> None:
    place = lies_at(path)
    emptied(place)
    with pytest.raises(StoreError, match=r"gone or damaged: there is no zarr\.json") as caught:
        read(path)
    assert str(path) in caught.value.where
    assert str(place) in caught.value.where
    assert "run `roadwork embed_images` again" in caught.value.fix


@pytest.mark.parametrize("read", READERS)
def test_another_store_in_its_place_is_refused(path: Path, read) -> None:
    note = json.loads((path / "location.json").read_text())
    (path / "location.json").write_text(json.dumps({**note, "seal": "0f" * 32}))
    with pytest.raises(StoreError, match="another store lies there: its seal is"):
        read(path)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"place": 3, "seal": "x"}', '{"place": "memory://a/b"}'])
def test_a_note_that_says_nothing_is_damage(path: Path, read, content: str) -> None:
    (path / "location.json").write_text(content)
    with pytest.raises(StoreError, match=r"damaged: its location.json") as caught:
        read(path)
    assert "roadwork embed_images" in caught.value.fix


def test_a_note_that_leads_to_no_kind_of_store_is_told(path: Path) -> None:
    (path / "location.json").write_text(json.dumps({"place": "ftp://a/b", "seal": "x"}))
    with pytest.raises(ParameterError, match="no store that roadwork knows"):
        read_image_store(path)


def test_the_environment_can_name_no_nonsense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORK_FEATURES", "ftp://a/b")
    with pytest.raises(ParameterError, match="ROADWORK_FEATURES"):
        write_image_store(tmp_path / "i.zarr", ids(), [ROWS], view_count=2, dim=3, attributes=ATTRIBUTES)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("sharded", [False, True])
def test_damage_there_is_damage(root: Place, tmp_path: Path, sharded: bool, monkeypatch) -> None:
    if sharded:
        monkeypatch.setattr(zarr_folder, "SHARDED_ABOVE", 600)
        monkeypatch.setattr(zarr_folder, "SHARD_CHUNKS", 2)
    path = tmp_path / "images.zarr"
    write_image_store(path, ids(), [ROWS], view_count=2, dim=3, attributes=ATTRIBUTES)
    place = lies_at(path)
    for name, size in file_sizes(place).items():
        whole = read_file(place, name)
        for at in (0, size // 3, size // 2, size - 2):
            write_file(place, name, whole[:at] + bytes([whole[at] ^ 8]) + whole[at + 1 :])
            with pytest.raises(StoreError, match="damaged") as caught:
                read_image_store(path)
            assert "delete what is left" in caught.value.fix
            assert "damaged" in str(caught.value)
        write_file(place, name, whole[:-1])
        with pytest.raises(StoreError, match="damaged"):
            read_image_store(path)
        write_file(place, name, whole)
    assert np.array_equal(read_image_store(path).embeddings, ROWS)


@pytest.mark.parametrize("sharded", [False, True])
def test_damage_there_is_mended_by_writing_the_store_again(root: Place, tmp_path: Path, sharded, monkeypatch) -> None:
    if sharded:
        monkeypatch.setattr(zarr_folder, "SHARDED_ABOVE", 600)
        monkeypatch.setattr(zarr_folder, "SHARD_CHUNKS", 2)
    path = tmp_path / "images.zarr"

    def write() -> None:
        write_image_store(path, ids(), [ROWS], view_count=2, dim=3, attributes=ATTRIBUTES)

    write()
    place = lies_at(path)
    sound = {name: read_file(place, name) for name in file_sizes(place)}
    for name, whole in sound.items():
        write_file(place, name, whole[: len(whole) // 2] + b"#" + whole[len(whole) // 2 + 1 :])
        write()
        assert {name: read_file(place, name) for name in file_sizes(place)} == sound
        assert np.array_equal(read_image_store(path).embeddings, ROWS)


def test_a_store_that_was_replaced_while_it_is_read_is_told(path: Path) -> None:
    opened = open_image_store(path)
    write_image_store(path, ids(9), [ROWS[:9]], view_count=2, dim=3, attributes=ATTRIBUTES)
    with pytest.raises(StoreError, match="replaced while it was being read"):
        opened.chunk(0)


def test_a_failure_leaves_the_project_as_it_was(root: Place, path: Path) -> None:
    before = (path / "location.json").read_bytes()
    rows = ROWS.astype(np.float32)
    rows[3, 0, 0] = np.nan
    with pytest.raises(StoreError, match=ids()[3]):
        write_image_store(path, ids(), [rows], view_count=2, dim=3, attributes={"other": 1})
    assert (path / "location.json").read_bytes() == before
    assert np.array_equal(read_image_store(path).embeddings, ROWS)


def test_an_empty_store(root: Place, tmp_path: Path) -> None:
    write_image_store(tmp_path / "z.zarr", [], [], view_count=12, dim=8, attributes=ATTRIBUTES)
    assert read_image_store(tmp_path / "z.zarr").embeddings.shape == (0, 12, 8)


def test_a_store_on_this_machine_needs_nothing_of_object_stores(tmp_path: Path) -> None:
    write_image_store(tmp_path / "i.zarr", ids(), [ROWS], view_count=2, dim=3, attributes=ATTRIBUTES)
    code = (
        "import sys; from pathlib import Path; from roadwork.embed.store import read_image_store\n"
        f"read_image_store(Path({str(tmp_path / 'i.zarr')!r}))\n"
        "print(sorted({'upath', 's3fs', 'ray', 'torch'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
