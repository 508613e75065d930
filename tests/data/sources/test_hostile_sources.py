"""Tables and annotations from strangers: rows, rejects or one clear message, never a traceback."""

import csv
import datetime
import decimal
import json
import os
import random
import socket

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadwork.data.row import check_row
from roadwork.data.sources import table as table_module
from roadwork.data.sources.folder import read_folder
from roadwork.data.sources.natix import read_natix
from roadwork.data.sources.opening import open_source
from roadwork.data.sources.roadwork_coco import read_roadwork_coco
from roadwork.errors import DataError, RoadworkError

HEADER = "path,label,split,latitude_deg,longitude_deg,weather,description\n"


def outcome(path, source="folder"):
    """Rows and rejects of the fields of every record, or the one message."""
    try:
        return [check_row(record.place, record.fields) for record in open_source(source, str(path)).records]
    except RoadworkError as error:
        told = error
    assert told.where
    assert told.fix or told.rule
    return str(told)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ((HEADER + "a.jpg,1,,,,,\n").encode("utf-16"), "save it as UTF-8"),
        ((HEADER + "a.jpg,1,,,,,\n").encode("utf-16-le"), "NUL characters in its header"),
        ((HEADER + "a.jpg,1,,,,,Café\n").encode("latin-1"), "'utf-8' codec"),
        (HEADER.encode() + b'"a.jpg,1,,,,,\n' + b"b.jpg,0,,,,,\n" * 50, "row 2: unexpected end of data"),
        (HEADER.encode() + b'a.jpg,"1"x,,,,,\n', "row 2: "),
        (HEADER.encode() + b"a.jpg,1,,,,," + b"x" * 10_000_000 + b"\n", "row 2: field larger than field limit"),
        (b"path,label,path\na,1,b\n", "column `path` stands twice"),
        (b"path,label,,\na,1,,\n", "column `` stands twice"),
        (b"path;label\na;1\n", "separated by semicolons"),
        (b"\0" * 1000, "NUL characters"),
        (b"\n\n\n", "column `path` is missing"),
        (b"x" * 200_000, "row 1: field larger than field limit"),
        (b"path,label\n", "the table has no rows"),
    ],
    ids=map(str, range(13)),
)
def test_a_csv_that_can_not_be_read_is_told_in_one_message(tmp_path, content, told):
    (tmp_path / "t.csv").write_bytes(content)
    message = outcome(tmp_path)
    assert told in message
    assert len(message) < 1000


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_may_end_its_lines_in_any_way_and_begin_with_a_mark(tmp_path, end):
    (tmp_path / "t.csv").write_bytes(
        b"\xef\xbb\xbf" + (HEADER + "a.jpg,1,,,,,\nb.jpg,0,,,,,\n").replace("\n", end).encode()
    )
    assert [row.label for row, _ in outcome(tmp_path)] == [1, 0]


def test_odd_cells_are_rejects_of_their_rows(tmp_path):
    labels = ["1.0", "True", "yes", " 1 ", "NaN", "1\0", "2", "-0", "1e0", "０", "1,0", "=1"]
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label"])
        writer.writerows(["a.jpg", label] for label in labels)
    found = [row.label if row else "rejected" for row, _ in outcome(tmp_path)]
    assert found == [1, "rejected", "rejected", 1, None, "rejected", "rejected", 0, 1, 0, "rejected", "rejected"]


def test_paths_that_no_system_opens_do_not_stop_the_reading(tmp_path):
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    names = [
        "a\0b.jpg",
        "x" * 100_000,
        "../../../etc/passwd",
        "a\nb.jpg",
        "-rf",
        "'; DROP",
        "C:\\a.jpg",
        "é.jpg",
        "e\u0301.jpg",
        "/",
        ".",
        "~",
        "nul",
    ]
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label"])
        writer.writerows([name, 1] for name in names)
    source = read_folder(tmp_path)
    assert [record.name for record in source.records] == names
    assert source.unlisted == 1


@pytest.mark.parametrize(
    "columns",
    [
        {"label": pa.array([1, 0]).dictionary_encode(), "weather": pa.array(["Sunny", None]).dictionary_encode()},
        {"label": pa.array([decimal.Decimal("1.0"), decimal.Decimal("0.0")])},
        {"label": pa.array([1.0, 0.0]), "group": pa.array([datetime.datetime(2026, 1, 1)] * 2, pa.timestamp("us"))},
        {"label": pa.array([True, False]), "description": pa.nulls(2)},
        {"label": pa.array(["1", " 0 "]), "gps": pa.array([[41.5, -81.7], None])},
        {"label": pa.array([1, 0], pa.int8()), "weather": pa.array([["Sunny", "Cloudy"], []])},
        {
            "label": pa.array([1, 0]),
            "ignored": pa.array([b"\xff", None]),
            "far": pa.array([2**62, 1], pa.timestamp("us")),
        },
        {"label": pa.array(["1", "0"], pa.large_string()), "description": pa.array(["a", "b"], pa.string_view())},
    ],
    ids=map(str, range(8)),
)
def test_parquet_types_that_mean_what_a_column_means(tmp_path, columns):
    try:
        pq.write_table(pa.table({"path": ["a.jpg", "b.jpg"], **columns}), tmp_path / "t.parquet")
    except pa.ArrowNotImplementedError:
        pytest.skip("this version doesn't write the type")
    assert [row and row.label for row, _ in outcome(tmp_path)] == [1, 0]


@pytest.mark.parametrize(
    ("name", "column", "at_fault"),
    [
        ("label", pa.array([{"a": 1}, {"a": 2}]), "label"),
        ("weather", pa.array([[["a"]], [["b"]]]), "weather"),
        ("description", pa.array([{"a": 1}] * 2), "description"),
        ("gps", pa.array([[1.0, 2.0, 3.0]] * 2), "gps"),
        ("split", pa.array([1, 2]), "split"),
        ("group", pa.array([b"\xff", b"a"]), "group"),
        ("image_id", pa.array([1, 2]), "image_id"),
    ],
)
def test_parquet_types_that_mean_nothing_are_rejects(tmp_path, name, column, at_fault):
    pq.write_table(pa.table({"path": ["a.jpg", "b.jpg"], "label": [0, 1], **{name: column}}), tmp_path / "t.parquet")
    for row, rejects in outcome(tmp_path):
        assert row is None
        assert [reject.column for reject in rejects] == [at_fault]


def test_text_that_is_no_unicode_is_one_message(tmp_path):
    bad = pa.array([b"a\xff", b"b"]).view(pa.string())
    pq.write_table(pa.table({"path": bad, "label": [0, 1]}), tmp_path / "t.parquet")
    assert "not readable as a table: after row 1: 'utf-8' codec" in outcome(tmp_path)


def test_a_time_that_no_calendar_has_is_one_message(tmp_path):
    far = pa.array([2**62, 1], pa.timestamp("us"))
    pq.write_table(pa.table({"path": ["a", "b"], "label": [0, 1], "group": far}), tmp_path / "t.parquet")
    assert "not readable as a table: " in outcome(tmp_path)


def test_a_parquet_file_that_unpacks_to_very_much_is_refused(tmp_path, monkeypatch):
    text = "x" * 100_000
    pq.write_table(
        pa.table({"path": ["a.jpg"] * 100, "label": [1] * 100, "description": [text + str(n) for n in range(100)]}),
        tmp_path / "t.parquet",
        compression="zstd",
    )
    assert (tmp_path / "t.parquet").stat().st_size < 100_000
    assert len(outcome(tmp_path)) == 100
    monkeypatch.setattr(table_module, "_MOST_CHUNK_BYTES", 1_000_000)
    assert "column `description` unpacks to 0.0 GB in one row group" in outcome(tmp_path)


def test_a_text_that_stands_in_every_row_is_in_memory_once(tmp_path):
    once = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array(["x" * 1_000_000]))
    pq.write_table(
        pa.table({"path": ["a.jpg"] * 20_000, "label": [1] * 20_000, "description": once}), tmp_path / "t.parquet"
    )
    before = pa.total_allocated_bytes()
    rows = read_folder(tmp_path).records
    for _ in range(2000):
        record = next(rows)
    assert len(record.fields["description"]) == 1_000_000
    assert pa.total_allocated_bytes() - before < 100_000_000


def test_damaged_parquet_is_rows_or_one_message(tmp_path):
    frame = pd.DataFrame(
        {
            "path": [f"{n}.jpg" for n in range(200)],
            "label": [n % 2 for n in range(200)],
            "description": [f"text {n}" for n in range(200)],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    dice = random.Random(5)
    messages = 0
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(dice.choice((1, 4, 16))):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        if dice.random() < 0.2:
            content = content[: dice.randrange(len(content))]
        (tmp_path / "t.parquet").write_bytes(content)
        messages += isinstance(outcome(tmp_path), str)
    assert messages > 20


# JSON as Python reads it: whatever may stand where the data set has something else.
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "None", "a", "1", "\ud800", "[1, 2]", "x\0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["vid_id", "seq_id", "weather", "travel_alteration"]), inner, max_size=3)
    ),
    max_leaves=5,
)
entries = st.fixed_dictionaries(
    {"file_name": st.sampled_from(["a.jpg", "b.jpg", "../c.jpg", "d\0.jpg"]) | values},
    optional=dict.fromkeys(
        ("id", "label", "split", "gps", "city_name", "scene_description", "video_info", "scene_level_tags"), values
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {"images": st.lists(entries, max_size=3) | values},
        optional={"annotations": st.lists(st.fixed_dictionaries({"image_id": values}), max_size=2) | values},
    )
    | values
)
def test_any_json_is_rows_rejects_or_one_message(tmp_path, content):
    (tmp_path / "images").mkdir(exist_ok=True)
    (tmp_path / "train.json").write_text(json.dumps(content))
    found = outcome(tmp_path, "roadwork_coco")
    assert isinstance(found, str) or all((row is None) == bool(rejects) for row, rejects in found)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[" * 200_000, "lists in lists"),
        ('{"images": [' + "[" * 100_000 + "]" * 100_000 + "]}", "lists in lists"),
        ('{"images": [{"file_name": "a.jpg", "id": ' + "9" * 5000 + "}]}", "not readable as JSON"),
        ('{"images": [{"file_name": "a.jpg", "label": 0, "label": 1}]}', "the key 'label' stands twice in one object"),
        ('{"images": [{"file_name": "a.jpg", "id": [1]}]}', "`id` is [1]"),
        ('{"images": [{"file_name": "a.jpg"}], "annotations": [{"image_id": {}}]}', "`image_id` is {}"),
        ("\xff", "not readable as JSON"),
        ('{"images": NaN}', "not COCO-style"),
    ],
    ids=map(str, range(8)),
)
def test_json_that_can_not_be_read_is_told_in_one_message(tmp_path, content, told):
    (tmp_path / "images").mkdir()
    (tmp_path / "train.json").write_bytes(content.encode("latin-1"))
    message = outcome(tmp_path, "roadwork_coco")
    assert told in message
    assert len(message) < 1000


def test_a_number_that_is_none_is_null(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "train.json").write_text(
        '{"images": [{"file_name": "a.jpg", "label": NaN, "gps": [NaN, NaN], "split": "val"}]}'
    )
    [(row, _)] = outcome(tmp_path, "roadwork_coco")
    assert (row.label, row.position) == (None, None)


def test_a_folder_that_may_not_be_read_is_one_message(tmp_path, monkeypatch):
    (tmp_path / "roadwork").mkdir()

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)  # a real one is no obstacle to root
    with pytest.raises(DataError, match="the source can't be read: Permission denied") as caught:
        open_source("folder", str(tmp_path))
    assert str(tmp_path) in caught.value.where


def test_pipes_among_the_files_are_never_waited_for(tmp_path, monkeypatch):
    for name in ("t.csv", "train.json", "train-0.parquet", "test-0.parquet", "photograph.jpg"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="no photographs"):
        read_folder(tmp_path)
    with pytest.raises(DataError, match="no JSON file"):
        read_roadwork_coco(tmp_path)
    with pytest.raises(DataError, match=r"no train-\*"):
        read_natix(tmp_path)
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("u.csv")
        with pytest.raises(DataError, match="the source can't be read: Not a directory"):
            open_source("folder", str(tmp_path / "u.csv"))


@pytest.mark.parametrize("kind", ["a list", "a text"])
def test_a_data_set_whose_image_column_is_another_is_one_message(tmp_path, kind):
    names = [
        "label",
        "gps",
        "scene_level_tags.weather",
        "scene_level_tags.daytime",
        "scene_level_tags.scene_environment",
        "scene_description",
        "id",
        "city_name",
        "video_info.seq_id",
        "video_info.vid_id",
    ]
    image = pa.array([[1]]) if kind == "a list" else pa.array(["x"])
    for split in ("train", "test"):
        pq.write_table(pa.table({"image": image, **{name: ["1"] for name in names}}), tmp_path / f"{split}-0.parquet")
    with pytest.raises(DataError, match="the column `image` holds"):
        read_natix(tmp_path)
