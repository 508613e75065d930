import json

import pytest

from roadwork.data.sources.roadwork_coco import GPS_SPLIT, read_roadwork_coco
from roadwork.errors import DataError

TRAIN, VAL = GPS_SPLIT


def entry(number, **changes):
    """An image entry in the data set's own layout."""
    values = {
        "id": number, "file_name": f"{number}.jpg", "width": 64, "height": 48, "license": 0, "date_captured": 0,
        "gps": [40.44, -79.99], "city_name": "pittsburgh", "scene_description": "Cones on the road.",
        "video_info": {"frame_id": "00010.jpg", "seq_id": 3, "vid_id": "abc"},
        "scene_level_tags": {
            "travel_alteration": ["None"], "weather": ["Partly Cloudy"],
            "daytime": "Light", "scene_environment": "Suburban",
        },
    }  # fmt: skip
    return {**values, **changes}


def write(file, images, annotated=()):
    file.parent.mkdir(parents=True, exist_ok=True)
    annotations = [
        {"id": n, "image_id": image, "category_id": 3, "bbox": [0, 0, 5, 5]} for n, image in enumerate(annotated)
    ]
    file.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 3, "name": "Cone"}]})
    )


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / "images").mkdir()
    write(tmp_path / "annotations" / TRAIN, [entry(1), entry(2)], annotated=[1, 1])
    write(tmp_path / "annotations" / VAL, [entry(3, file_name="3.jpg")], annotated=[])
    return tmp_path


def test_entries_with_their_facts(dataset):
    source = read_roadwork_coco(dataset)
    records = list(source.records)
    assert (source.root, source.count) == (dataset, 3)
    assert records[0].fields == {
        "split": "train", "label": 1, "gps": [40.44, -79.99], "weather": ["Partly Cloudy"], "daytime": "Light",
        "scene": "Suburban", "description": "Cones on the road.", "group": "abc",
    }  # fmt: skip
    assert records[0].place == f"{TRAIN} image 1"
    assert records[0].file == dataset / "images" / "1.jpg"
    assert [record.fields["label"] for record in records] == [1, 0, 0]


def test_val_is_the_test_part_where_there_is_no_other(dataset):
    assert [record.fields["split"] for record in read_roadwork_coco(dataset).records] == ["train", "train", "test"]
    write(dataset / "annotations" / VAL, [entry(3), entry(4, split="test")])
    splits = [record.fields["split"] for record in read_roadwork_coco(dataset).records]
    assert splits == ["train", "train", "val", "test"]


@pytest.mark.parametrize(
    ("changes", "annotated", "label"),
    [
        ({"label": 0}, True, 0),
        ({"label": 1}, False, 1),
        ({}, True, 1),
        ({}, False, 0),
        ({"scene_level_tags": {"travel_alteration": ["Lane Shift"]}}, False, 1),
        ({"scene_level_tags": {"travel_alteration": "Fully Blocked"}}, False, 1),
        ({"scene_level_tags": {"travel_alteration": []}}, False, 0),
        ({"scene_level_tags": None}, False, 0),
    ],
)
def test_labels(dataset, changes, annotated, label):
    write(dataset / "annotations" / TRAIN, [entry(1, **changes)], annotated=[1] if annotated else [])
    assert next(read_roadwork_coco(dataset).records).fields["label"] == label


def test_without_annotations_and_tags_nothing_is_known(tmp_path):
    (tmp_path / "images").mkdir()
    images = [entry(1, scene_level_tags={}), entry(2), entry(3, scene_level_tags={"travel_alteration": ["Lane Shift"]})]
    (tmp_path / "frames.json").write_text(json.dumps({"images": images}))
    records = list(read_roadwork_coco(tmp_path).records)
    assert [record.fields["label"] for record in records] == [None, 0, 1]
    assert records[0].fields["split"] is None


def test_groups(dataset):
    infos = [{"vid_id": "v"}, {"vid_id": None, "seq_id": 0}, {}, None]
    write(dataset / "annotations" / TRAIN, [entry(9 + n, video_info=info) for n, info in enumerate(infos)])
    groups = [record.fields["group"] for record in read_roadwork_coco(dataset).records][:4]
    assert groups == ["v", "pittsburgh/0", None, None]


def test_the_gps_split_is_read_and_the_other_files_left(dataset):
    write(dataset / "annotations" / "instances_train_pittsburgh_only.json", [entry(1), entry(3)])
    assert read_roadwork_coco(dataset).count == 3
    (dataset / "annotations" / TRAIN).unlink()
    with pytest.raises(DataError, match=r"listed in several JSON files, such as 3\.jpg") as caught:
        read_roadwork_coco(dataset)
    assert "ingest.path" in caught.value.fix


@pytest.mark.parametrize("folder", ["annotations", "."])
def test_one_file(dataset, folder):
    file = dataset / folder / "some_test.json"
    write(file, [entry(1)], annotated=[1])
    source = read_roadwork_coco(file)
    [record] = source.records
    assert (source.root, record.fields["split"], record.file) == (dataset, "test", dataset / "images" / "1.jpg")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not readable as JSON"),
        ("[]", "not COCO-style"),
        ('{"images": {}}', "not COCO-style"),
        ('{"images": [1]}', "not COCO-style"),
        ('{"images": [], "annotations": 3}', "not COCO-style"),
        ('{"images": [{"id": 1}]}', "`file_name` is missing"),
        ('{"images": []}', "no image entries"),
    ],
)
def test_faulty_json(tmp_path, content, told):
    (tmp_path / "images").mkdir()
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=told) as caught:
        read_roadwork_coco(tmp_path)
    assert "a.json" in caught.value.where


def test_missing_parts(tmp_path):
    with pytest.raises(DataError, match="nothing at this path"):
        read_roadwork_coco(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no JSON file"):
        read_roadwork_coco(tmp_path)
    write(tmp_path / "a.json", [entry(1)])
    with pytest.raises(DataError, match="no folder images/"):
        read_roadwork_coco(tmp_path)
