import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roadwork.data.sources import natix
from roadwork.data.sources.natix import read_natix
from roadwork.errors import DataError

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
LAYOUT = pa.schema(
    [
        ("image", IMAGE), ("id", pa.int64()), ("width", pa.int64()), ("height", pa.int64()), ("license", pa.int64()),
        ("flickr_url", pa.float64()), ("coco_url", pa.float64()), ("date_captured", pa.int64()), ("gps", pa.string()),
        ("city_name", pa.string()), ("scene_description", pa.string()), ("video_info.frame_id", pa.string()),
        ("video_info.seq_id", pa.int64()), ("video_info.vid_id", pa.string()),
        ("scene_level_tags.daytime", pa.string()), ("scene_level_tags.scene_environment", pa.string()),
        ("scene_level_tags.travel_alteration", pa.string()), ("scene_level_tags.weather", pa.string()),
        ("label", pa.int64()),
    ]
)  # fmt: skip


def row(number, content, **changes):
    values = {
        "image": {"bytes": content, "path": f"{number}.jpg"}, "id": number, "width": 64, "height": 48, "license": 0,
        "flickr_url": None, "coco_url": None, "date_captured": 0, "gps": "[39.77160604, -86.18823935]",
        "city_name": "indianapolis", "scene_description": "Work zone behind fence.", "video_info.frame_id": "04050.jpg",
        "video_info.seq_id": 4, "video_info.vid_id": "9ed0f7", "scene_level_tags.daytime": "Light",
        "scene_level_tags.scene_environment": "Urban", "scene_level_tags.travel_alteration": "['Partially Blocked']",
        "scene_level_tags.weather": "['Sunny']", "label": 1,
    }  # fmt: skip
    return {**values, **changes}


def write(file, rows, schema=LAYOUT):
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, row_group_size=3)


@pytest.fixture
def dataset(tmp_path, photograph):
    data = tmp_path / "data"
    write(data / "train-00000-of-00002.parquet", [row(n, photograph(n)) for n in range(40)])
    second = row(40, photograph(40), **{"video_info.vid_id": None, "gps": None})
    write(data / "train-00001-of-00002.parquet", [second])
    write(data / "test-00000-of-00001.parquet", [row(41, photograph(41), scene_description="No Description", label=0)])
    return tmp_path


def test_rows_in_order_with_their_facts(dataset, photograph):
    source = read_natix(dataset)
    records = list(source.records)
    assert source.count == len(records) == 42
    assert [record.content for record in records] == [photograph(number) for number in range(42)]
    assert records[0].place == "train-00000-of-00002.parquet row 1"
    assert records[40].place == "train-00001-of-00002.parquet row 1"
    assert records[0].fields == {
        "label": 1, "gps": "[39.77160604, -86.18823935]", "weather": "['Sunny']", "daytime": "Light", "scene": "Urban",
        "description": "Work zone behind fence.", "split": "train", "group": "9ed0f7",
    }  # fmt: skip
    assert (records[40].fields["group"], records[40].fields["gps"]) == ("indianapolis/4", None)
    assert records[41].fields["split"] == "test"


def test_the_data_folder_itself_will_do(dataset):
    assert read_natix(dataset / "data").count == 42


def test_an_image_may_lie_beside_the_table(tmp_path, photograph):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.jpg").write_bytes(photograph(1))
    outside = row(1, None, image={"bytes": None, "path": "pictures/a.jpg"})
    gone = row(2, None, image={"bytes": None, "path": "pictures/b.jpg"})
    empty = row(3, None, image=None)
    write(tmp_path / "data" / "train-0.parquet", [outside, gone, empty])
    write(tmp_path / "data" / "test-0.parquet", [row(9, photograph(9))])
    records = list(read_natix(tmp_path).records)
    assert records[0].content == photograph(1)
    assert (records[1].file, records[1].content) == (tmp_path / "pictures" / "b.jpg", None)
    assert (records[2].content, records[2].name) == (b"", "3")


def test_faults_of_the_source(dataset, tmp_path, photograph):
    with pytest.raises(DataError, match="nothing at this path") as caught:
        read_natix(tmp_path / "no" / "where")
    assert "data/train-*.parquet" in caught.value.fix
    (dataset / "data" / "test-00000-of-00001.parquet").unlink()
    with pytest.raises(DataError, match=r"no test-\*\.parquet"):
        read_natix(dataset)
    (dataset / "data" / "test-0.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match="not readable as Parquet"):
        read_natix(dataset)
    renamed = [name if name != "scene_level_tags.weather" else "scene_level_tags_weather" for name in LAYOUT.names]
    write(dataset / "data" / "test-0.parquet", [row(1, photograph(1))])
    table = pq.ParquetFile(dataset / "data" / "test-0.parquet").read().rename_columns(renamed)
    pq.write_table(table, dataset / "data" / "test-0.parquet")
    with pytest.raises(DataError, match=r"`scene_level_tags\.weather` is missing") as caught:
        read_natix(dataset)
    assert caught.value.fix == "rename `scene_level_tags_weather` to `scene_level_tags.weather`"


def test_no_rows(tmp_path):
    for split in ("train", "test"):
        write(tmp_path / "data" / f"{split}-0.parquet", [])
    with pytest.raises(DataError, match="no rows"):
        read_natix(tmp_path)


def test_damage_inside_a_file_is_told_when_its_rows_are_read(dataset):
    file = dataset / "data" / "train-00000-of-00002.parquet"
    content = np.frombuffer(file.read_bytes(), dtype=np.uint8).copy()
    content[4:2000] = 255
    file.write_bytes(content.tobytes())
    source = read_natix(dataset)
    with pytest.raises(DataError, match="not readable as Parquet"):
        list(source.records)


def test_a_hub_id_is_downloaded(dataset, tmp_path, monkeypatch):
    asked = []

    def download(repository, pattern, *, fix):
        asked.append((repository, pattern))
        return dataset

    monkeypatch.setattr(natix, "download_dataset", download)
    assert read_natix("natix-network-org/roadwork").count == 42
    assert asked == [("natix-network-org/roadwork", "data/*.parquet")]
