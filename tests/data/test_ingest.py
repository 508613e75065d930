import csv
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roadwork.config import parse_section, read_params
from roadwork.data.ingest import IngestConfig, ingest
from roadwork.data.sources.natix import COLUMNS as NATIX_COLUMNS
from roadwork.data.vocabulary import VocabulariesConfig
from roadwork.errors import DataError, ParameterError, SplitError

PARAMS = Path(__file__).parents[2] / "params.yaml"


def config(**changes):
    values = {**read_params(PARAMS)["ingest"], "source": "folder", "group_radius_m": 0, **changes}
    return parse_section(values, "ingest", IngestConfig, where=PARAMS)


@pytest.fixture
def run(tmp_path):
    """Ingest the table or folder `source/` with changed parameters."""
    values = read_params(PARAMS)["metadata"]["vocabularies"]
    vocabularies = parse_section(values, "metadata.vocabularies", VocabulariesConfig, where=PARAMS)

    def call(seed=1, workers=2, **changes):
        draft = tmp_path / "data" / "draft"
        draft.mkdir(parents=True, exist_ok=True)
        return ingest(
            config(**{"path": str(tmp_path / "source"), **changes}),
            vocabularies,
            seed=seed,
            data_root=tmp_path / "data",
            images_dir=tmp_path / "data" / "images",
            draft=draft,
            rejects_path=tmp_path / "data" / "rejects.csv",
            workers=workers,
        )

    return call


@pytest.fixture
def put(tmp_path, photograph):
    def write(name, number, **options):
        file = tmp_path / "source" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(number if isinstance(number, bytes) else photograph(number, **options))

    return write


@pytest.fixture
def table(tmp_path, put):
    """A table of `count` good rows, half of them roadwork, then `extra` rows as they are."""

    def write(count=40, extra=(), header="path,label,split,latitude_deg,longitude_deg,weather,description"):
        lines = [header]
        for number in range(count):
            put(f"{number:02}.jpg", number)
            lines.append(f"{number:02}.jpg,{number % 2},,,,,")
        (tmp_path / "source" / "t.csv").write_text("\n".join([*lines, *extra]) + "\n")

    return write


def rejects(tmp_path):
    with (tmp_path / "data" / "rejects.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_class_folders(run, put, tmp_path, gps_exif):
    for number in range(20):
        put(f"roadwork/{number:02}.jpg", number, size_px=(80, 60))
        put(f"no_roadwork/{number:02}.PNG", 100 + number, form="PNG")
    put("roadwork/zz.jpg", 999, exif=gps_exif())
    result = run()
    frame = result.manifest.frame
    assert result.rejects == rejects(tmp_path) == []
    assert frame["path"].tolist()[:2] == ["roadwork/00.jpg", "roadwork/01.jpg"]
    assert frame["label"].tolist() == [1] * 21 + [0] * 20
    assert frame["split"].value_counts().to_dict() == {"train": 27, "test": 8, "val": 6}
    assert (frame["source"] == "folder").all()
    assert frame.loc[20, ["latitude_deg", "longitude_deg"]].tolist() == pytest.approx([41.5, -81.7])
    assert result.metrics["gps_from_exif"] == 1
    assert all(result.manifest.photograph(index).is_file() for index in range(len(frame)))
    assert list((tmp_path / "data" / "draft").iterdir()) == []


def test_the_result_is_the_same_for_any_number_of_threads_and_changes_with_the_seed(run, table):
    table()
    first, second = run(workers=1), run(workers=5)
    assert first.manifest.digest == second.manifest.digest
    assert json.dumps(first.metrics) == json.dumps(second.metrics)
    assert run(seed=2).manifest.digest != first.manifest.digest


def test_metrics_count_everything(run, table, put):
    put("spare.jpg", 500)
    put("r0.jpg", 600)
    put("r1.jpg", 601, size_px=(30, 20))
    extra = [
        "r0.jpg,1,train,10,20,Hazy,No Description",
        "r1.jpg,,test,,,Partly Cloudy,cones",
        "nowhere.jpg,1,,,,,",
        "r0.jpg,5,,,,,",
    ]
    table(extra=extra)
    metrics = run(max_reject_fraction=0.1).metrics
    assert (metrics["rows"], metrics["accepted"], metrics["rejected"]) == (44, 42, 2)
    assert metrics["rejects_by_rule"] == {
        "label: 0 (no roadwork) or 1 (roadwork)": 1,
        "path: duplicate of": 1,
        "path: the file must exist": 1,
    }
    assert metrics["duplicates"] == {"within_splits": 0, "across_splits": 0, "conflicting_labels": 0}
    assert metrics["nulls_by_label"]["weather"] == {
        "null": {"roadwork": 21, "none": 20}, "known": {"roadwork": 0, "none": 0}, "mcc": 0.0,
    }  # fmt: skip
    assert metrics["labels"] == {"images": 42, "roadwork": 21, "no_roadwork": 20, "unlabelled": 1}
    assert sum(split["images"] for split in metrics["splits"].values()) == 42
    assert metrics["splits"]["test"]["unlabelled"] == 1
    assert metrics["splits_given_by_source"] == 2
    assert metrics["nulls"]["weather"] == 41
    assert metrics["nulls"]["description"] == 41
    assert metrics["nulls"]["latitude_deg"] == 41
    assert metrics["unknown_values"] == {"weather": {"Hazy": 1}, "daytime": {}, "scene": {}}
    assert metrics["files_not_in_table"] == 1
    assert metrics["sizes"] == {
        "distinct": 2, "most_frequent": {"64x48": 41, "30x20": 1},
        "min_width_px": 30, "max_width_px": 64, "min_height_px": 20, "max_height_px": 48,
    }  # fmt: skip


def test_a_bad_row_is_rejected_and_the_others_stay(run, table, put, tmp_path, photograph):
    put("broken.jpg", photograph(700)[:900])
    put("empty.jpg", b"")
    put("text.jpg", b"no photograph")
    put("big.jpg", 701, size_px=(200, 200))
    bad = [
        "broken.jpg,1,,,,,", "empty.jpg,1,,,,,", "text.jpg,1,,,,,", "big.jpg,1,,,,,", "../t.jpg,1,,,,,",
        "01.jpg,0,,,,,", "00.jpg,1,train,91,181,,", "gone.jpg,,train,10,,,",
    ]  # fmt: skip
    table(extra=bad)
    result = run(max_reject_fraction=0.5, max_pixels=39_999)
    assert len(result.manifest) == 40
    assert result.manifest.frame["path"].tolist() == [f"{number:02}.jpg" for number in range(40)]
    told = [(row["file"], row["column"], row["value"]) for row in rejects(tmp_path)]
    assert told == [
        ("t.csv row 42", "path", "broken.jpg"),
        ("t.csv row 43", "path", "empty.jpg"),
        ("t.csv row 44", "path", "text.jpg"),
        ("t.csv row 45", "path", "big.jpg"),
        ("t.csv row 46", "path", "../t.jpg"),
        ("t.csv row 47", "path", "01.jpg"),
        ("t.csv row 48", "latitude_deg", "91"),
        ("t.csv row 48", "longitude_deg", "181"),
        ("t.csv row 48", "path", "00.jpg"),
        ("t.csv row 49", "label", ""),
        ("t.csv row 49", "longitude_deg", ""),
        ("t.csv row 49", "path", "gone.jpg"),
    ]
    rules = [row["rule"] for row in rejects(tmp_path)]
    assert rules[5] == "duplicate of: t.csv row 3, which has label 1"
    assert rules[8] == "duplicate of: t.csv row 2"
    assert result.metrics["rejected"] == 8


def test_a_rejected_row_s_photograph_may_come_again(run, table, put):
    table(count=39, extra=["x.jpg,7,,,,,", "x.jpg,1,,,,,"])
    put("x.jpg", 950)
    result = run(max_reject_fraction=0.1)
    assert result.manifest.frame["path"].tolist()[-1] == "x.jpg"
    assert [reject.column for reject in result.rejects] == ["label"]


def test_the_same_photograph_twice_in_one_split_is_one_image(run, table, put, tmp_path, capsys):
    put("x.jpg", 900)
    put("again.jpg", 900)
    put("third.jpg", 900)
    table(extra=["x.jpg,1,test,,,,", "again.jpg,1,test,,,,", "third.jpg,0,,,,,"])
    result = run(max_reject_fraction=0.1)
    assert result.manifest.frame["path"].tolist()[-1] == "x.jpg"
    assert len(result.manifest) == 41
    assert [row["rule"] for row in rejects(tmp_path)] == [
        "duplicate of: t.csv row 42",
        "duplicate of: t.csv row 42, which has label 1",
    ]
    assert result.metrics["duplicates"] == {"within_splits": 2, "across_splits": 0, "conflicting_labels": 1}
    told = "t.csv row 44 (no split, label 0) was dropped for t.csv row 42 (test, label 1)"
    assert told in capsys.readouterr().err


def test_a_row_with_a_split_goes_before_one_without(run, table, put):
    put("x.jpg", 900)
    put("again.jpg", 900)
    table(extra=["x.jpg,1,,,,,", "again.jpg,1,test,,,,"])
    frame = run(max_reject_fraction=0.1).manifest.frame
    assert frame.loc[40, ["path", "split"]].tolist() == ["again.jpg", "test"]


def test_the_same_photograph_in_two_splits_is_an_error(run, table, put, tmp_path):
    for name in ("x.jpg", "again.jpg", "third.jpg"):
        put(name, 900)
    table(extra=["x.jpg,1,train,,,,", "again.jpg,0,test,,,,", "third.jpg,1,val,,,,"])
    with pytest.raises(SplitError) as caught:
        run(max_reject_fraction=0)
    error = caught.value
    assert error.what == (
        "t.csv row 42 (train, label 1) is the same photograph as t.csv row 43 (test, label 0) "
        "(such rows: 2; with another label: 2)"
    )
    assert str(tmp_path / "data" / "rejects.csv") in error.where
    assert "can't be tested on" in error.rule
    assert "ingest.allow_duplicates" in error.fix
    assert [(row["file"], row["rule"]) for row in rejects(tmp_path)] == [
        ("t.csv row 42", "duplicate in another split: t.csv row 43, which is in test and has label 0"),
        ("t.csv row 44", "duplicate in another split: t.csv row 43, which is in test and has label 0"),
    ]


def test_allowed_duplicates_stay_where_they_are_scored_and_are_no_bad_rows(run, table, put, tmp_path, capsys):
    splits = {"a.jpg": "train", "b.jpg": "holdout", "c.jpg": "test", "d.jpg": "val", "e.jpg": "train"}
    for name in splits:
        put(name, 900 if name < "d.jpg" else 901)
    table(extra=[f"{name},1,{split},50,8,," for name, split in splits.items()])
    result = run(allow_duplicates=True, max_reject_fraction=0)
    kept = result.manifest.frame.iloc[40:]
    assert kept[["path", "split"]].to_numpy().tolist() == [["b.jpg", "holdout"], ["d.jpg", "val"]]
    assert result.metrics["duplicates"] == {"within_splits": 0, "across_splits": 3, "conflicting_labels": 0}
    assert (result.metrics["rows"], result.metrics["accepted"], result.metrics["rejected"]) == (45, 42, 3)
    assert result.metrics["rejects_by_rule"] == {"path: duplicate in another split": 3}
    assert result.metrics["nulls"]["latitude_deg"] == 40
    assert [row["file"] for row in rejects(tmp_path)] == ["t.csv row 42", "t.csv row 44", "t.csv row 46"]
    assert "3 rows dropped whose photograph another split has too" in capsys.readouterr().err


def test_other_faults_still_count_where_duplicates_are_allowed(run, table, put):
    put("x.jpg", 900)
    put("again.jpg", 900)
    table(extra=["x.jpg,1,train,,,,", "again.jpg,1,test,,,,", "gone.jpg,1,,,,,"])
    with pytest.raises(DataError, match=r"1 of 43 rows are bad .* \(1×\) path: the file must exist"):
        run(allow_duplicates=True, max_reject_fraction=0)
    assert len(run(allow_duplicates=True, max_reject_fraction=0.03).manifest) == 41


def test_what_a_dropped_row_says_is_not_counted(run, table, put, gps_exif):
    put("x.jpg", 900, exif=gps_exif())
    put("again.jpg", 900, exif=gps_exif())
    table(extra=["x.jpg,1,train,,,Hazy,", "again.jpg,1,test,,,Dusty,"])
    metrics = run(allow_duplicates=True).metrics
    assert metrics["unknown_values"]["weather"] == {"Dusty": 1}
    assert metrics["gps_from_exif"] == 1


def test_a_field_that_is_known_for_one_class_only_is_told(run, table, put, capsys):
    for number in range(20):
        put(f"x{number}.jpg", 900 + number)
    table(extra=[f"x{number}.jpg,1,,,,Sunny,cones" for number in range(20)])
    result = run()
    tables = result.metrics["nulls_by_label"]
    assert tables["text"]["known"] == {"roadwork": 20, "none": 0}
    assert tables["text"]["mcc"] == tables["weather"]["mcc"] == pytest.approx(0.5)
    told = capsys.readouterr().err
    assert "text is known for 20 of 40 images with roadwork and 0 of 20 without" in told
    assert "take text out of metadata.fields" in told
    assert "gps is known" not in told


def test_more_rejects_than_allowed_end_it_but_are_written(run, table, tmp_path):
    table(extra=["gone.jpg,1,,,,,"])
    with pytest.raises(DataError, match=r"1 of 41 rows are bad \(2\.4%\).*path: the file must exist") as caught:
        run()
    assert caught.value.where.endswith("rejects.csv")
    assert "0.02" in caught.value.rule
    assert [row["value"] for row in rejects(tmp_path)] == ["gone.jpg"]
    assert len(run(max_reject_fraction=1 / 41).manifest) == 40


def test_unknown_categories_fail_under_strict(run, table, put):
    put("x.jpg", 900)
    table(extra=["x.jpg,1,,,,Hazy,"])
    assert run(strict=False).manifest.frame["weather"].isna().all()
    with pytest.raises(DataError, match=r"weather 'Hazy' \(1×\)"):
        run(strict=True)


def test_given_splits_are_kept(run, table, put):
    for number in range(4):
        put(f"g{number}.jpg", 800 + number)
    table(extra=[f"g{number}.jpg,1,{split},,,," for number, split in enumerate(("train", "val", "test", "holdout"))])
    assert run().manifest.frame["split"].tolist()[-4:] == ["train", "val", "test", "holdout"]


def test_both_classes_are_needed(run, put):
    put("roadwork/a.jpg", 1)
    put("no_roadwork/.keep", b"")
    with pytest.raises(DataError, match="1 images with roadwork, 0 without, 0 unlabelled"):
        run()


def test_what_is_left_out_without_a_fault_is_told(run, table, put, capsys):
    put("x.jpg", 900)
    put("spare.jpg", 901)
    header = "path,label,split,lattitude_deg,longitude_deg,weather,city"
    table(extra=["x.jpg,1,,,,Hazy,"], header=header)
    run()
    told = capsys.readouterr().err
    assert "columns that nothing reads: lattitude_deg, city" in told
    assert "1 image files are not in the table" in told
    assert "unknown words became null: weather 'Hazy' (1×)" in told


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


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"test_fraction": 0.5, "val_fraction": 0.5}, "nothing is left to train on"),
        ({"source": "zip"}, "ingest.source"),
        ({"max_pixels": 0}, "ingest.max_pixels"),
        ({"max_reject_fraction": 1.5}, "ingest.max_reject_fraction"),
        ({"sample": {"images": 0, "max_width_px": 100}}, "ingest.sample.images"),
        ({"strikt": True}, "ingest.strict"),
    ],
)
def test_faulty_parameters(changes, told):
    with pytest.raises(ParameterError, match=told):
        config(**changes)
