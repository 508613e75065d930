"""Every source from end to end, through the whole of ingest."""

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roadwork.data.sources.natix import COLUMNS as NATIX_COLUMNS
from roadwork.errors import DataError, SplitError


def natix_row(number, content, label):
    values = dict.fromkeys(NATIX_COLUMNS)
    gps = f"[{40 + number / 10}, -80.0]"
    return {
        **values, "image": {"bytes": content, "path": f"{number}.jpg"}, "id": number, "gps": gps, "label": label,
        "scene_description": "No Description", "scene_level_tags.weather": "['Partly Cloudy']",
        "scene_level_tags.daytime": "Light", "scene_level_tags.scene_environment": "Suburban",
        "video_info.vid_id": f"v{number // 2}",
    }  # fmt: skip


def test_natix_from_end_to_end(run, photograph, tmp_path):
    data = tmp_path / "source" / "data"
    data.mkdir(parents=True)
    contents = {number: photograph(number, form="JPEG" if number else "PNG") for number in range(6)}
    rows = [natix_row(number, contents[number], number % 2) for number in range(6)]
    bad = natix_row(9, contents[3][:500], 1)
    pq.write_table(pa.Table.from_pylist([*rows[:4], bad]), data / "train-0.parquet")
    pq.write_table(pa.Table.from_pylist(rows[4:]), data / "test-0.parquet")
    result = run(source="natix", max_reject_fraction=0.2)
    frame = result.manifest.frame
    assert frame["split"].tolist() == ["train"] * 4 + ["test"] * 2
    ids = [hashlib.sha256(content).hexdigest() for content in contents.values()]
    assert frame["image_id"].tolist() == ids
    assert frame["path"].tolist() == [f"images/{ids[0]}.png", *(f"images/{digest}.jpg" for digest in ids[1:])]
    assert [(tmp_path / "data" / "draft" / Path(path).name).read_bytes() for path in frame["path"]] == [
        *contents.values()
    ]
    assert frame.loc[5, ["latitude_deg", "weather", "daytime", "scene", "group"]].tolist() == [
        40.5, "cloudy", "day", "residential", "v2",
    ]  # fmt: skip
    assert frame["description"].isna().all()
    assert [(reject.file, reject.value) for reject in result.rejects] == [("train-0.parquet row 5", "9.jpg")]
    assert len(list((tmp_path / "data" / "draft").iterdir())) == 6


def test_photographs_in_memory_that_stand_twice_are_written_once(run, photograph, tmp_path):
    data = tmp_path / "source" / "data"
    data.mkdir(parents=True)
    contents = [photograph(number) for number in range(4)]
    pq.write_table(pa.Table.from_pylist([natix_row(n, contents[n], n % 2) for n in range(4)]), data / "train-0.parquet")
    rows = [natix_row(10 + n, contents[n], n % 2) for n in (2, 3)]
    pq.write_table(pa.Table.from_pylist(rows), data / "test-0.parquet")
    with pytest.raises(
        SplitError, match=r"train-0.parquet row 3 \(train, label 0\) is the same photograph as test-0.parq"
    ):
        run(source="natix")
    frame = run(source="natix", allow_duplicates=True).manifest.frame
    ids = [hashlib.sha256(content).hexdigest() for content in contents]
    assert frame["split"].tolist() == ["train", "train", "test", "test"]
    assert frame["path"].tolist() == [f"images/{digest}.jpg" for digest in ids]
    assert len(list((tmp_path / "data" / "draft").iterdir())) == 4


def test_roadwork_coco_from_end_to_end(run, put, tmp_path):
    tags = {"travel_alteration": ["None"], "weather": ["Snow"], "daytime": "Dark", "scene_environment": "Highway"}
    for number in range(4):
        put(f"images/{number}.jpg", number)
    for part, numbers in (("train", (0, 1)), ("val", (2, 3))):
        images = [{"id": n, "file_name": f"{n}.jpg", "gps": [40 + n, -80], "scene_level_tags": tags} for n in numbers]
        annotations = [{"id": 1, "image_id": numbers[0], "category_id": 1}]
        file = tmp_path / "source" / "annotations" / f"instances_{part}_gps_split.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"images": images, "annotations": annotations}))
    manifest = run(source="roadwork_coco").manifest
    assert manifest.root == tmp_path / "source"
    assert manifest.frame["path"].tolist() == [f"images/{number}.jpg" for number in range(4)]
    assert manifest.frame["label"].tolist() == [1, 0, 1, 0]
    assert manifest.frame["split"].tolist() == ["train", "train", "test", "test"]
    assert manifest.frame.loc[2, ["latitude_deg", "longitude_deg", "weather", "daytime", "scene"]].tolist() == [
        42.0, -80.0, "snowy", "night", "highway",
    ]  # fmt: skip


@pytest.mark.parametrize("source", ["folder", "natix", "roadwork_coco"])
def test_a_source_needs_its_path(run, source):
    with pytest.raises(DataError, match=f"source `{source}` needs a path") as caught:
        run(source=source, path=None)
    assert "ingest.path" in caught.value.where


def test_the_sample_is_drawn_into_the_draft(run, tmp_path):
    sample = {"images": 32, "max_width_px": 256}
    first = run(source="sample", path=None, sample=sample)
    frame = first.manifest.frame
    assert len(frame) == 32
    assert set(frame["label"]) == {0, 1}
    assert first.manifest.root == tmp_path / "data"
    drawn = {f"images/{file.name}" for file in (tmp_path / "data" / "draft").iterdir()}
    assert set(frame["path"]) == drawn
    assert first.metrics["rejected"] == 0
