import json

import pytest

from roadwork.errors import DataError, ParameterError


def test_class_folders(run, put, tmp_path, gps_exif, rejects):
    for number in range(20):
        put(f"roadwork/{number:02}.jpg", number, size_px=(80, 60))
        put(f"no_roadwork/{number:02}.PNG", 100 + number, form="PNG")
    put("roadwork/zz.jpg", 999, exif=gps_exif())
    result = run()
    frame = result.manifest.frame
    assert result.rejects == rejects() == []
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


def test_a_bad_row_is_rejected_and_the_others_stay(run, table, put, tmp_path, photograph, rejects):
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
    told = [(row["file"], row["column"], row["value"]) for row in rejects()]
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
    rules = [row["rule"] for row in rejects()]
    assert rules[5] == "duplicate of: t.csv row 3, which has label 1"
    assert rules[8] == "duplicate of: t.csv row 2"
    assert result.metrics["rejected"] == 8


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


def test_more_rejects_than_allowed_end_it_but_are_written(run, table, tmp_path, rejects):
    table(extra=["gone.jpg,1,,,,,"])
    with pytest.raises(DataError, match=r"1 of 41 rows are bad \(2\.4%\).*path: the file must exist") as caught:
        run()
    assert caught.value.where.endswith("rejects.csv")
    assert "0.02" in caught.value.rule
    assert [row["value"] for row in rejects()] == ["gone.jpg"]
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
def test_faulty_parameters(config, changes, told):
    with pytest.raises(ParameterError, match=told):
        config(**changes)
