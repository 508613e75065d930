"""What lies in a source beside photographs: each ends as a row or a reject, whatever it is called."""

import json
import os
import unicodedata

import pytest

from roadwork.data.manifest import read_manifest, write_manifest

NAMES = [
    "line\nbreak.jpg",
    "tab\tand\x1b[31mred.jpg",
    "-rf.jpg",
    "'; DROP TABLE x; --.jpg",
    '"quoted".jpg',
    "back\\slash.jpg",
    "=1+1.jpg",
    "a" * 240 + ".jpg",
    "日本 🚧.jpg",
    unicodedata.normalize("NFC", "é.jpg"),
    unicodedata.normalize("NFD", "é.jpg"),
    "right\u202eleft.jpg",
    " space .jpg",
    "..jpg",
    "..dots.jpg",
    "%s{0}$HOME.jpg",
    "no_ending",
    "two.tar.jpg",
]


def test_files_of_every_kind_and_name(run, put, tmp_path, rejects):
    for number in range(20):
        put(f"no_roadwork/{number:02}.jpg", number)
    for number, name in enumerate(NAMES, start=100):
        put(f"roadwork/{name}", number)
    folder = tmp_path / "source" / "roadwork"
    put("elsewhere.bin", 999)
    os.rename(tmp_path / "source" / "elsewhere.bin", tmp_path / "elsewhere.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "to_pipe.jpg").symlink_to("pipe.jpg")
    (folder / "nothing.jpg").symlink_to("nowhere.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "circle").symlink_to(folder)
    (folder / "folder.jpg").mkdir()
    (folder / "elsewhere.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    (folder / "text.jpg").write_text("no photograph")
    (folder / "empty.jpg").touch()
    with (folder / "large.jpg").open("wb") as stream:
        stream.truncate(3_000_000)
    try:
        (folder / os.fsdecode(b"caf\xe9.jpg")).write_bytes((folder / "-rf.jpg").read_bytes())
        unnamed = [r"roadwork/caf\udce9.jpg"]
    except OSError:  # some systems allow no such name
        unnamed = []
    result = run(max_reject_fraction=0.5, max_file_megabytes=2)
    taken = result.manifest.frame["path"].tolist()
    hidden = {"..jpg", "..dots.jpg"}
    assert sorted(taken) == sorted(
        [f"no_roadwork/{number:02}.jpg" for number in range(20)]
        + [f"roadwork/{name}" for name in NAMES if name not in hidden]
        + ["roadwork/elsewhere.jpg"]
    )
    rules = {row["value"]: row["rule"] for row in rejects()}
    assert list(rules) == sorted(rules)
    assert rules == {
        **dict.fromkeys(unnamed, "the path is a text in UTF-8, without NUL"),
        "roadwork/empty.jpg": "the file must not be empty",
        "roadwork/large.jpg": "at most ingest.max_file_megabytes large: 3.0 of 2 MB",
        "roadwork/loop.jpg": rules["roadwork/loop.jpg"],
        "roadwork/nothing.jpg": "the file must exist: this is a link to nothing",
        "roadwork/pipe.jpg": "a photograph is a regular file: this is a pipe",
        "roadwork/text.jpg": rules["roadwork/text.jpg"],
        "roadwork/to_pipe.jpg": "a photograph is a regular file: this is a pipe",
    }
    assert rules["roadwork/loop.jpg"].startswith("the file must be readable: ")
    assert rules["roadwork/text.jpg"].startswith("a photograph in a known format: ")
    write_manifest(result.manifest, tmp_path / "data" / "manifest.parquet")
    assert read_manifest(tmp_path / "data" / "manifest.parquet").frame["path"].tolist() == taken
    json.dumps(result.metrics, allow_nan=False).encode()


def test_a_table_may_name_only_what_lies_below_it(run, table, put, tmp_path, rejects):
    put("../outside.jpg", 998)
    put("in/a.jpg", 997)
    (tmp_path / "source" / "link").symlink_to(tmp_path)
    outside = str(tmp_path / "outside.jpg")
    names = [
        "../outside.jpg",
        "in/../../outside.jpg",
        outside,
        "/etc/hostname",
        "in/../in/a.jpg",
        "link/outside.jpg",
        "in",
        "a\0b.jpg",
        "",
    ]
    table(extra=[f"{name},1,,,,," for name in names])
    result = run(max_reject_fraction=0.5)
    assert result.manifest.frame["path"].tolist()[40:] == ["in/a.jpg", "link/outside.jpg"]
    assert [row["rule"] for row in rejects()] == [
        *["the path lies in the source's folder"] * 4,
        "a photograph is a regular file: this is a directory",
        "the path is a text in UTF-8, without NUL",
        "the path of the photograph is given",
    ]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_photograph_named_by_many_rows_is_read_once(run, table, put, rejects, workers):
    put("x.jpg", 900)
    table(extra=["x.jpg,1,,,,,"] * 3000 + ["gone.jpg,1,,,,,"] * 3000)
    result = run(max_reject_fraction=1, workers=workers)
    assert len(result.manifest) == 41
    assert len(rejects()) == 5999
    assert result.metrics["duplicates"] == {"within_splits": 2999, "across_splits": 0, "conflicting_labels": 0}


def test_a_text_that_no_file_can_hold_is_a_reject(run, put, tmp_path, rejects):
    images = [{"file_name": f"{n}.jpg", "label": n % 2, "scene_description": "Café"} for n in range(20)]
    for number in range(21):
        put(f"images/{number}.jpg", number)
    bad = {
        "file_name": "20.jpg",
        "label": 1,
        "scene_description": "\ud800",
        "scene_level_tags": {"weather": ["\udfff"]},
    }
    (tmp_path / "source" / "frames.json").write_text(json.dumps({"images": [*images, bad]}))
    result = run(source="roadwork_coco", max_reject_fraction=0.1)
    assert len(result.manifest) == 20
    assert [(row["column"], row["value"]) for row in rejects()] == [
        ("weather", r"['\udfff']"),
        ("description", r"\ud800"),
    ]
