"""Photographs of an object store: the same rows as of the same files in a folder, and no way out of it."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roadwork.data.sources.opening import open_source
from roadwork.errors import DataError, ParameterError
from roadwork.storage.objects import write_object
from roadwork.storage.place import Place, place_of


@pytest.fixture
def store() -> Place:
    return place_of(f"memory://{uuid4().hex}/photographs", parameter="test")


def filled(root: Place, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if isinstance(root, Path):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        else:
            write_object(root / name, content)


def found(kind: str, place: Place | str) -> list[tuple[object, ...]]:
    source = open_source(kind, str(place))
    rows = [(record.place, record.name, record.content, dict(record.fields)) for record in source.records]
    assert len(rows) == source.count
    return [*rows, (source.unlisted, source.ignored_columns)]


PHOTOS = {"roadwork/b/1.jpg": b"1", "roadwork/a.jpg": b"22", "no_roadwork/ü #1?.jpg": b"333", "roadwork/.x/h.jpg": b"4"}
TABLE = b"path,label,colour\nno_roadwork/\xc3\xbc #1?.jpg,0,red\n./roadwork//a.jpg,1,blue\nnone.jpg,1,red\n"


def parquet(rows: dict[str, list[object]]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(rows), sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "files",
    [
        PHOTOS,
        {**PHOTOS, "photos.csv": TABLE},
        {**PHOTOS, "photos.parquet": parquet({"path": ["roadwork/a.jpg", None], "label": [1, 0]})},
    ],
    ids=["classes", "csv", "parquet"],
)
def test_the_rows_are_those_of_the_same_files_in_a_folder(
    tmp_path: Path, store: Place, files: dict[str, bytes]
) -> None:
    filled(store, files)
    filled(tmp_path, files)
    assert found("folder", store) == found("folder", tmp_path)
    tables = [name for name in files if name.startswith("photos")]
    for name in tables:
        assert found("folder", store / name) == found("folder", tmp_path / name)


def test_files_and_sizes_are_the_listings(store: Place) -> None:
    filled(store, {**PHOTOS, "t.csv": TABLE})
    source = open_source("folder", str(store))
    assert source.root == store
    records = list(source.records)
    assert [str(record.file) for record in records] == [
        f"{store}/no_roadwork/ü #1?.jpg",
        f"{store}/roadwork/a.jpg",
        f"{store}/none.jpg",
    ]
    assert [record.size_bytes for record in records] == [3, 2, None]


@pytest.mark.parametrize(
    "name",
    [
        "../other/a.jpg",
        "a/../../a.jpg",
        "roadwork/../roadwork/a.jpg",
        "/a.jpg",
        "memory://other/a.jpg",
        "s3://o/a.jpg",
        "..",
    ],
)
def test_a_path_that_leads_out_leads_nowhere(store: Place, name: str) -> None:
    filled(store, {"t.csv": f"path,label\n{name},1\n".encode()})
    [record] = open_source("folder", str(store)).records
    assert record.file == store


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({}, "there is nothing at this path"),
        ({"a.csv": b"", "b.csv": b""}, r"2 tables: a\.csv, b\.csv"),
        ({"a.csv": b"path,label\n"}, "the table has no rows"),
        ({"roadwork/a.jpg": b"", "trees/b.jpg": b"", "c.jpg": b""}, r"outside the class folders: c\.jpg, trees/"),
        ({"roadwork.txt": b""}, "no photographs"),
    ],
)
def test_faulty_layouts_are_told_as_in_a_folder(store: Place, files: dict[str, bytes], what: str) -> None:
    filled(store, files)
    with pytest.raises(DataError, match=what) as caught:
        open_source("folder", str(store))
    assert str(store) in str(caught.value)


def test_an_object_that_is_no_table(store: Place) -> None:
    filled(store, {"a.txt": b""})
    with pytest.raises(DataError, match="not a table"):
        open_source("folder", str(store / "a.txt"))


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    filled(tmp_path, PHOTOS)
    assert open_source("folder", tmp_path.as_uri()).root == tmp_path


def test_a_scheme_that_nobody_knows_names_the_parameter() -> None:
    with pytest.raises(ParameterError, match=r"ingest\.path"):
        open_source("folder", "gopher://bucket/x")


COCO = {
    "images": [{"id": 1, "file_name": "1.jpg"}, {"id": 2, "file_name": "b/2.jpg"}, {"id": 3, "file_name": "../3.jpg"}],
    "annotations": [{"image_id": 2}],
}


@pytest.mark.parametrize("at", ["", "annotations/instances_train.json"])
def test_coco_rows_are_those_of_the_same_files_in_a_folder(tmp_path: Path, store: Place, at: str) -> None:
    files = {
        "images/1.jpg": b"1",
        "images/b/2.jpg": b"22",
        "annotations/instances_train.json": json.dumps(COCO).encode(),
    }
    filled(store, files)
    filled(tmp_path, files)
    assert found("roadwork_coco", store / at if at else store) == found("roadwork_coco", tmp_path / at)
    records = list(open_source("roadwork_coco", str(store)).records)
    assert [str(record.file) for record in records] == [f"{store}/images/1.jpg", f"{store}/images/b/2.jpg", str(store)]
    assert [record.size_bytes for record in records] == [1, 2, None]


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({}, "nothing at this path"),
        ({"images/1.jpg": b"1"}, "no JSON file"),
        ({"a.json": b"{}"}, "no folder images/"),
        ({"images/1.jpg": b"1", "a.json": b"{"}, "not readable as JSON"),
    ],
)
def test_faulty_coco_layouts(store: Place, files: dict[str, bytes], what: str) -> None:
    filled(store, files)
    with pytest.raises(DataError, match=what):
        open_source("roadwork_coco", str(store))


def natix(numbers: range) -> bytes:
    count = len(numbers)
    return parquet(
        {
            "image": [{"bytes": bytes([n]) * 10 if n % 2 else None, "path": f"pictures/{n}.jpg"} for n in numbers],
            "id": list(numbers),
            "label": [n % 2 for n in numbers],
            **{name: ["x"] * count for name in ("gps", "scene_level_tags.weather", "scene_level_tags.daytime")},
            **{
                name: ["y"] * count for name in ("scene_level_tags.scene_environment", "scene_description", "city_name")
            },
            **{name: ["z"] * count for name in ("video_info.seq_id", "video_info.vid_id")},
        }
    )


def test_natix_rows_are_those_of_the_same_files_in_a_folder(tmp_path: Path, store: Place) -> None:
    files = {
        "data/train-0.parquet": natix(range(40)),
        "data/test-0.parquet": natix(range(40, 45)),
        "pictures/2.jpg": b"two",
    }
    filled(store, files)
    filled(tmp_path, files)
    rows = found("natix", store)
    assert rows == found("natix", tmp_path)
    assert rows[2][2] == b"two"
    with pytest.raises(DataError, match=r"no train-\*\.parquet"):
        open_source("natix", str(store / "elsewhere"))
